package shardrecord

import (
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/test"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

var errBoom = errors.New("boom")

func record(ns, name string, p v1alpha1.ShardRecordParameters) *v1alpha1.ShardRecord {
	return &v1alpha1.ShardRecord{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, Spec: v1alpha1.ShardRecordSpec{ForProvider: p}}
}

func TestWokenBy(t *testing.T) {
	s := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	p := v1alpha1.ShardRecordParameters{
		Poolers: []v1alpha1.ShardPooler{{Pod: "pod-0"}}, Removed: []v1alpha1.ShardPooler{{Pod: "pod-1"}},
		Orchestrators: []v1alpha1.ShardOrchestrators{{StatefulSet: "orch"}}, TLS: &v1alpha1.ShardTLS{CASecretName: "ca", CertSecretName: "cert"},
	}
	kube := fake.NewClientBuilder().WithScheme(s).WithObjects(
		record("ns", "ours", p), record("ns", "other", v1alpha1.ShardRecordParameters{}), record("elsewhere", "ours", p),
	).Build()
	ours := []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: "ns", Name: "ours"}}}
	cases := map[string]struct {
		reason   string
		kube     client.Reader
		concerns func(v1alpha1.ShardRecordParameters, string) bool
		name     string
		want     []reconcile.Request
		err      error
	}{
		"Pooler":       {reason: "A pooler's pod should wake its shard.", kube: kube, concerns: hasPod, name: "pod-0", want: ours},
		"Removed":      {reason: "So should one of a removed pooler.", kube: kube, concerns: hasPod, name: "pod-1", want: ours},
		"Orchestrator": {reason: "So should one of an orchestrator.", kube: kube, concerns: hasPod, name: "orch-12", want: ours},
		"OtherPod":     {reason: "Other pods should wake nobody.", kube: kube, concerns: hasPod, name: "pod-2"},
		"OtherSet":     {reason: "Pods of other sets should wake nobody.", kube: kube, concerns: hasPod, name: "orch-b-0"},
		"NoNumber":     {reason: "A pod without a number is of no set.", kube: kube, concerns: hasPod, name: "orch"},
		"CA":           {reason: "The authority should wake the shard.", kube: kube, concerns: hasSecret, name: "ca", want: ours},
		"Cert":         {reason: "The certificate should wake the shard.", kube: kube, concerns: hasSecret, name: "cert", want: ours},
		"OtherSecret":  {reason: "Other Secrets should wake nobody.", kube: kube, concerns: hasSecret, name: "other"},
		"Unavailable":  {reason: "A failure should be returned, so that it is tried again.", kube: &test.MockClient{MockList: test.NewMockListFn(errBoom)}, concerns: hasPod, name: "pod-0", err: errBoom},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := wokenBy(tc.kube, tc.concerns)(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: tc.name}})
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\nerror: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	p := v1alpha1.ShardRecordParameters{
		Database: "db", TableGroup: "tg", Shard: "0-inf", Cells: []string{"a", "b"},
		Poolers: []v1alpha1.ShardPooler{{Cell: "a", ServiceID: "p-0"}, {Cell: "b", ServiceID: "p-1"}}, Removed: []v1alpha1.ShardPooler{{Cell: "a", ServiceID: "p-2"}},
	}
	global := []topo.Path{"databases/db/tg/0-inf/ShardInitClaim", "cells/a/Cell", "cells/b/Cell"}
	if diff := cmp.Diff(global, globalPaths(record("ns", "s", p))); diff != "" {
		t.Errorf("The claim and the cells should wake a shard.\n-want, +got:\n%s", diff)
	}
	local := []topo.Path{"poolers/multipooler-a-p-0/Pooler", "poolers/multipooler-a-p-2/Pooler"}
	if diff := cmp.Diff(local, wakes(p, "a")); diff != "" {
		t.Errorf("The poolers of a cell should wake a shard.\n-want, +got:\n%s", diff)
	}
}

func TestBackups(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b := newBackups(func() time.Time { return now })
	one, two := []*managerpb.BackupMetadata{{BackupId: "1"}}, []*managerpb.BackupMetadata{{BackupId: "1"}, {BackupId: "2"}}
	steps := []struct {
		reason string
		after  time.Duration
		list   []*managerpb.BackupMetadata
		err    error
		reads  int
		want   int
		known  bool
	}{
		{reason: "While nobody can be asked nothing is known.", err: errNobody, reads: 1},
		{reason: "Nobody was asked, so that the next may be asked at once.", err: errBoom, reads: 1},
		{reason: "Who failed should have its rest.", after: backupsInterval / 2, list: one},
		{reason: "Then it is asked again.", after: backupsInterval, list: one, reads: 1, want: 1, known: true},
		{reason: "A list is good for a while.", after: backupsInterval / 2, list: two, want: 1, known: true},
		{reason: "Then it is read again; a failure leaves what was known.", after: backupsInterval, err: errBoom, reads: 1, want: 1, known: true},
		{reason: "The next one is new.", after: backupsInterval, list: two, reads: 1, want: 2, known: true},
	}
	for _, tc := range steps {
		now = now.Add(tc.after)
		reads := 0
		got, known := b.list("uid", func() ([]*managerpb.BackupMetadata, error) { reads++; return tc.list, tc.err })
		if reads != tc.reads || len(got) != tc.want || known != tc.known {
			t.Errorf("%s\nwant %d reads, %d backups, known %t; got %d, %d, %t", tc.reason, tc.reads, tc.want, tc.known, reads, len(got), known)
		}
	}
	b.forget("uid")
	if _, known := b.list("uid", func() ([]*managerpb.BackupMetadata, error) { return nil, errBoom }); known {
		t.Error("A shard that was forgotten should be read anew")
	}
}
