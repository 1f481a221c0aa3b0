// Package recordtest is what the tests of the kinds have in common whose external resources are records.
package recordtest

import (
	"context"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
)

// Spec of a managed resource in the topology of a ProviderConfig.
func Spec(config string) xpv2.ManagedResourceSpec {
	return xpv2.ManagedResourceSpec{ProviderConfigReference: &xpv2.ProviderConfigReference{Kind: v1alpha1.ProviderConfigKind, Name: config}}
}

// Database is a DatabaseRecord that lists cells.
func Database(namespace, config string, cells ...string) *v1alpha1.DatabaseRecord {
	return &v1alpha1.DatabaseRecord{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "db"}, Spec: v1alpha1.DatabaseRecordSpec{
		ManagedResourceSpec: Spec(config), ForProvider: v1alpha1.DatabaseRecordParameters{Database: "db", Cells: cells},
	}}
}

// Shard is a ShardRecord of a database that has poolers in cells.
func Shard(config, database string, cells ...string) *v1alpha1.ShardRecord {
	return &v1alpha1.ShardRecord{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "shard"}, Spec: v1alpha1.ShardRecordSpec{
		ManagedResourceSpec: Spec(config), ForProvider: v1alpha1.ShardRecordParameters{Database: database, Cells: cells},
	}}
}

// A Need says whether a managed resource is needed while another one exists.
type Need struct {
	Reason string
	Other  client.Object
	// Want is the error, nil if it is not needed.
	Want error
}

// Free checks what a function of the same name of a kind says of a managed resource, and the reason of the condition that an error
// becomes.
func Free[T client.Object](t *testing.T, free func(context.Context, client.Reader, T) error, mg T, reason xpv2.ConditionReason, cases map[string]Need) {
	t.Helper()
	s := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := free(t.Context(), fake.NewClientBuilder().WithScheme(s).WithObjects(tc.Other).Build(), mg)
			if !errors.Is(err, tc.Want) || (err == nil) != (tc.Want == nil) {
				t.Errorf("%s\nfree(): want error %v, got %v", tc.Reason, tc.Want, err)
			}
			if err != nil && topology.ReasonOf(err) != reason {
				t.Errorf("%s\nwant reason %s, got %s", tc.Reason, reason, topology.ReasonOf(err))
			}
		})
	}
	// Without the kinds nothing is known, and then what may be needed stays.
	if err := free(t.Context(), fake.NewClientBuilder().WithScheme(runtime.NewScheme()).Build(), mg); err == nil || topology.ReasonOf(err) == reason {
		t.Errorf("free(): who needs it could not be found out, got %v", err)
	}
}
