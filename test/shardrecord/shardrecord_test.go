package shardrecord

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/poolers"
	"github.com/crossplane-multigres/crossplane-multigres/internal/requeue"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
	"github.com/crossplane-multigres/crossplane-multigres/test/pooler"
)

func TestRoles(t *testing.T) {
	w := newWorld(t)
	type role struct {
		Leader, Pod string
		Term        int64
		Roles       []v1alpha1.PoolerRole
		Ready       string
	}
	check := func(reason string, want role) {
		t.Helper()
		o := w.observe()
		got := role{Leader: o.Leader, Pod: o.LeaderPod, Term: o.Term, Ready: w.reason(shardstate.TypeReady)}
		for _, p := range o.Poolers {
			got.Roles = append(got.Roles, p.Role)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n-want, +got:\n%s", reason, diff)
		}
	}
	primary, replica, unknown := v1alpha1.PoolerRolePrimary, v1alpha1.PoolerRoleReplica, v1alpha1.PoolerRoleUnknown
	check("A healthy shard has one leader.", role{"p-0", "pod-p-0", 1, []v1alpha1.PoolerRole{primary, replica, replica}, shardstate.ReasonAvailable})
	w.Kill(a)
	check("A leader that died is none.", role{"", "", 1, []v1alpha1.PoolerRole{unknown, replica, replica}, shardstate.ReasonNoLeader})
	w.step()
	check("Its successor leads.", role{"p-1", "pod-p-1", 2, []v1alpha1.PoolerRole{unknown, primary, replica}, shardstate.ReasonPoolersNotReady})
	w.start(a)
	check("A former leader that is back does not hide its successor.", role{"p-1", "pod-p-1", 2, []v1alpha1.PoolerRole{primary, primary, replica}, shardstate.ReasonAvailable})
	w.step()
	check("It follows in the end.", role{"p-1", "pod-p-1", 2, []v1alpha1.PoolerRole{replica, primary, replica}, shardstate.ReasonAvailable})
}

func TestDiedHard(t *testing.T) {
	w := newWorld(t)
	w.observe()
	w.Kill(c)
	w.noPod(podOf(c))
	if r := w.reconcile(nil); r.err != nil || r.updated {
		t.Errorf("One that is wanted should be left alone: %+v", r)
	}
	w.remove(c)
	record := "/multigres/c/" + string(topo.MultiPoolerPath(c.Cell, c.Name))
	type state struct {
		Updated    bool
		Cohort     []pooler.ID
		Registered bool
		Leftovers  []string
		Reason     string
	}
	for _, tc := range []struct {
		reason string
		want   state
	}{
		{"First it should leave the cohort.", state{true, []pooler.ID{a, b}, true, []string{"p-2"}, shardstate.ReasonRemoving}},
		{"Then its record should go.", state{true, []pooler.ID{a, b}, false, []string{"p-2"}, shardstate.ReasonRemoving}},
		{"Then nothing should be left.", state{false, []pooler.ID{a, b}, false, nil, shardstate.ReasonNothingLeft}},
	} {
		r := w.reconcile(nil)
		if r.err != nil {
			t.Fatal(r.err)
		}
		got := state{r.updated, w.Cohort(), len(w.keys(record)) > 0, w.mr.Status.AtProvider.Leftovers, w.reason(shardstate.TypeLeftoversRemoved)}
		if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
		}
	}
	if n := len(w.keys("/multigres/a/poolers/")) + len(w.keys("/multigres/b/poolers/")); n != 2 {
		t.Errorf("The records of those who live should stay: %d", n)
	}
}

func TestStaleRule(t *testing.T) {
	w := newWorld(t, func(o *options) { o.poolers = []pooler.ID{a, b, c, d} })
	w.Kill(d)
	w.noPod(podOf(d))
	w.remove(d)
	// While we decide an orchestrator changes the cohort.
	r := w.reconcile(func() {
		if err := w.Terminate(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	})
	if r.err != nil || !r.updated {
		t.Fatalf("A refusal is no failure: %+v", r)
	}
	if diff := cmp.Diff([]pooler.ID{a, d, b}, w.Cohort()); diff != "" {
		t.Errorf("A decision on an older rule should change nothing.\n-want, +got:\n%s", diff)
	}
	if got := w.reason(shardstate.TypeLeftoversRemoved); got != shardstate.ReasonRemovalRefused {
		t.Errorf("The refusal should be visible: %s", got)
	}
	if r = w.reconcile(nil); r.err != nil {
		t.Fatal(r.err)
	}
	if diff := cmp.Diff([]pooler.ID{a, b}, w.Cohort()); diff != "" {
		t.Errorf("The next decision should be carried out.\n-want, +got:\n%s", diff)
	}
}

func TestPolicyKept(t *testing.T) {
	w := newWorld(t, func(o *options) { o.poolers = []pooler.ID{a, b} })
	w.Kill(b)
	w.noPod(podOf(b))
	w.remove(b)
	for range 3 {
		if r := w.reconcile(nil); r.err != nil || !r.updated {
			t.Fatalf("That the leader cannot is no failure of ours: %+v", r)
		}
		if got := w.reason(shardstate.TypeLeftoversRemoved); got != shardstate.ReasonRemovalFailed {
			t.Errorf("It should be visible: %s", got)
		}
	}
	if diff := cmp.Diff([]pooler.ID{a, b}, w.Cohort()); diff != "" || len(w.keys("/multigres/b/poolers/")) != 1 {
		t.Errorf("A member that the policy needs should stay one, and registered.\n-want, +got:\n%s", diff)
	}
}

func TestBackBeforeRemoval(t *testing.T) {
	w := newWorld(t)
	w.Kill(c)
	w.noPod(podOf(c))
	w.remove(c)
	r := w.reconcile(func() { w.pod(podOf(c)) })
	if r.err != nil || len(w.Cohort()) != 3 || len(w.keys("/multigres/c/poolers/")) != 1 {
		t.Errorf("Whose pod has appeared meanwhile should keep everything: %v, %v", r.err, w.Cohort())
	}
	// Now it is out of the cohort, and writes its record while we remove it.
	w.noPod(podOf(c))
	w.reconcile(nil)
	r = w.reconcile(func() { w.start(c); w.noPod(podOf(c)) })
	if r.err != nil || !r.updated || len(w.keys("/multigres/c/poolers/")) != 1 {
		t.Errorf("A record that was written meanwhile should stay: %+v", r)
	}
}

func TestWholeShard(t *testing.T) {
	w := newWorld(t)
	for _, id := range []pooler.ID{a, b, c} {
		w.Kill(id)
		w.noPod(podOf(id))
	}
	w.remove(a, b, c)
	w.reconcile(nil)
	if o := w.observe(); len(o.Leftovers) > 0 || len(w.keys("/multigres/a/poolers/"))+len(w.keys("/multigres/b/poolers/"))+len(w.keys("/multigres/c/poolers/")) > 0 {
		t.Errorf("A shard that drains should leave nothing: %v", o.Leftovers)
	}
}

func TestHanging(t *testing.T) {
	w := newWorld(t)
	w.fault(b, pooler.Fault{Hang: true})
	start := time.Now()
	o := w.observe()
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("One that hangs should not block a reconcile: %s", took)
	}
	var reachable []bool
	for _, p := range o.Poolers {
		reachable = append(reachable, p.Reachable)
	}
	if diff := cmp.Diff([]bool{true, false, true}, reachable); diff != "" || o.Leader != "p-0" {
		t.Errorf("The others should be observed: leader %q, -want, +got:\n%s", o.Leader, diff)
	}
	if got := w.reason(shardstate.TypeObserved); got != shardstate.ReasonPoolersUnreachable {
		t.Errorf("The hole should be visible: %s", got)
	}
}

func TestCellAway(t *testing.T) {
	own := etcd.Run(t)
	w := newWorld(t, func(o *options) { o.own = map[string]*etcd.Server{"b": own} })
	before := w.observe()
	if len(before.UnreachableCells) > 0 || w.reason(shardstate.TypeReady) != shardstate.ReasonAvailable {
		t.Fatalf("A cell with a topology of its own should be read there: %+v", before)
	}
	own.Kill()
	w.Kill(c)
	w.noPod(podOf(c))
	w.remove(c)
	w.reconcile(nil)
	o := w.mr.Status.AtProvider
	if diff := cmp.Diff([]string{"b"}, o.UnreachableCells); diff != "" {
		t.Errorf("The cell should be named.\n-want, +got:\n%s", diff)
	}
	if p := o.Poolers[1]; !p.Registered || p.Reachable || o.Leader != "p-0" {
		t.Errorf("What is not known should stay as it was, and the others be observed: %+v", o)
	}
	if diff := cmp.Diff([]pooler.ID{a, b}, w.Cohort()); diff != "" {
		t.Errorf("What concerns other cells should go on.\n-want, +got:\n%s", diff)
	}
	if err := own.Start(); err != nil {
		t.Fatal(err)
	}
	// The connection comes back by itself.
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if o = w.observe(); len(o.UnreachableCells) == 0 && o.Poolers[1].Reachable {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("A cell that is back should be read: %+v", o)
		}
	}
}

func TestGlobalAway(t *testing.T) {
	w := newWorld(t)
	observed := w.observe()
	before := *observed.DeepCopy()
	w.conn.endpoints = []string{"127.0.0.1:1"}
	r := w.reconcile(nil)
	if !errors.Is(r.err, topo.ErrUnavailable) {
		t.Errorf("Without the global topology nothing is known: %v", r.err)
	}
	if diff := cmp.Diff(before, w.mr.Status.AtProvider); diff != "" {
		t.Errorf("What was known should stay.\n-want, +got:\n%s", diff)
	}
	now := metav1.Now()
	w.mr.DeletionTimestamp = &now
	if r = w.reconcile(nil); !errors.Is(r.err, topo.ErrUnavailable) {
		t.Errorf("A shard should not go on doubt: %+v", r)
	}
	w.conn.letGo = true
	if r = w.reconcile(nil); r.err != nil || r.o.ResourceExists || len(w.conn.asked) != 1 {
		t.Errorf("A shard whose topology ends with its cluster should go: %+v", r)
	}
}

// orchestrator registers one, as it does itself.
func (w *world) orchestrator(cell, name string) {
	w.t.Helper()
	id := &clustermetadatapb.ID{Component: clustermetadatapb.ID_MULTIORCH, Cell: cell, Name: name}
	put(w.t, w.raw, "/multigres/"+cell+"/"+string(topo.MultiOrchPath(cell, name)), &clustermetadatapb.MultiOrch{Id: id})
}

func TestOrchestrators(t *testing.T) {
	w := newWorld(t)
	w.mr.Spec.ForProvider.Orchestrators = []v1alpha1.ShardOrchestrators{{Cell: "a", StatefulSet: "orch-a", ServiceIDPrefix: "o-x"}}
	for _, name := range []string{"o-x-0", "o-x-1", "o-y-0"} {
		w.orchestrator("a", name)
	}
	w.pod("orch-a-0")
	w.observe()
	want := []string{"/multigres/a/" + string(topo.MultiOrchPath("a", "o-x-0")), "/multigres/a/" + string(topo.MultiOrchPath("a", "o-y-0"))}
	if diff := cmp.Diff(want, w.keys("/multigres/a/orchs/")); diff != "" {
		t.Errorf("The record of one that is gone should go, and no other.\n-want, +got:\n%s", diff)
	}
}

func TestDelete(t *testing.T) {
	w := newWorld(t)
	w.mr.Spec.ForProvider.Orchestrators = []v1alpha1.ShardOrchestrators{{Cell: "a", StatefulSet: "orch-a", ServiceIDPrefix: "o-x"}}
	w.orchestrator("a", "o-x-0")
	w.orchestrator("a", "o-y-0")
	w.pod("orch-a-0")
	other := &clustermetadatapb.MultiPooler{
		Id:       &clustermetadatapb.ID{Component: clustermetadatapb.ID_MULTIPOOLER, Cell: "a", Name: "p-9"},
		ShardKey: &clustermetadatapb.ShardKey{Database: "postgres", TableGroup: "default", Shard: "0-inf"},
	}
	put(t, w.raw, "/multigres/a/"+string(topo.MultiPoolerPath("a", "p-9")), other)
	w.observe()
	now := metav1.Now()
	w.mr.DeletionTimestamp = &now
	total := len(w.keys("/multigres/"))
	for _, id := range []pooler.ID{a, b, c} {
		if r := w.reconcile(nil); r.err != nil || !r.o.ResourceExists || len(w.keys("/multigres/")) != total {
			t.Errorf("While a pod exists nothing should go: %+v", r)
		}
		w.Kill(id)
		w.noPod(podOf(id))
	}
	w.noPod("orch-a-0")
	for range 2 {
		w.reconcile(nil)
	}
	r := w.reconcile(nil)
	if r.err != nil || r.o.ResourceExists {
		t.Errorf("A shard of which nothing is left should be gone: %+v", r)
	}
	want := []string{
		"/multigres/a/" + string(topo.MultiOrchPath("a", "o-y-0")), "/multigres/a/" + string(topo.MultiPoolerPath("a", "p-9")),
		"/multigres/global/cells/a/Cell", "/multigres/global/cells/b/Cell", "/multigres/global/cells/c/Cell",
		"/multigres/global/crossplane/fence/test",
	}
	if diff := cmp.Diff(want, w.keys("/multigres/"), cmpopts.IgnoreSliceElements(func(k string) bool {
		return k != want[5] && len(k) > 22 && k[len(k)-22:] == "/crossplane/fence/test"
	})); diff != "" {
		t.Errorf("What is not the shard's should stay, and all else go, the claim among it.\n-want, +got:\n%s", diff)
	}
}

func TestDeleteCellAway(t *testing.T) {
	own := etcd.Run(t)
	w := newWorld(t, func(o *options) { o.own = map[string]*etcd.Server{"b": own} })
	w.observe()
	for _, id := range []pooler.ID{a, b, c} {
		w.Kill(id)
		w.noPod(podOf(id))
	}
	own.Kill()
	now := metav1.Now()
	w.mr.DeletionTimestamp = &now
	if r := w.reconcile(nil); !errors.Is(r.err, topo.ErrUnavailable) {
		t.Errorf("A shard should not go while a cell may hold something of it: %+v", r)
	}
	w.conn.letGo = true
	for range 3 {
		if r := w.reconcile(nil); r.err != nil {
			t.Fatal(r.err)
		}
	}
	if r := w.reconcile(nil); r.err != nil || r.o.ResourceExists || len(w.conn.asked) != 1 || w.conn.asked[0].Root != "/multigres/b" {
		t.Errorf("What ends with the cluster should not be waited for: %+v, %+v", r, w.conn.asked)
	}
	if n := len(w.keys("/multigres/a/poolers/")) + len(w.keys("/multigres/c/poolers/")); n > 0 {
		t.Errorf("What can be reached should be removed all the same: %d", n)
	}
}

func TestObserveWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.Kill(c)
	w.noPod(podOf(c))
	w.remove(c)
	revision := func() int64 {
		resp, err := w.raw.Get(t.Context(), "any")
		if err != nil {
			t.Fatal(err)
		}
		return resp.Header.GetRevision()
	}
	before := revision()
	for range 5 {
		if _, err := w.clients.For(w.conn).Observe(t.Context(), w.mr); err != nil {
			t.Fatal(err)
		}
	}
	if after := revision(); after != before || len(w.Cohort()) != 3 {
		t.Errorf("Observing should write nothing: revision %d, then %d; cohort %v", before, after, w.Cohort())
	}
	if n := w.Calls(a)["MultiPoolerManager/GetBackups"] + w.Calls(b)["MultiPoolerManager/GetBackups"]; n != 1 || w.Calls(a)["MultiPoolerManager/GetBackups"] != 0 {
		t.Errorf("Backups should be listed once in a while, by a replica: %v, %v", w.Calls(a), w.Calls(b))
	}
}

func TestSettings(t *testing.T) {
	w := newWorld(t)
	w.mr.Spec.ForProvider.Settings = &v1alpha1.ShardSettings{Hash: "new", ReloadPort: pooler.PortPgctld}
	if r := w.reconcile(nil); r.err != nil || r.updated || w.reason(shardstate.TypeSettingsApplied) != shardstate.ReasonNotIncluded {
		t.Errorf("Servers that do not read the file should be left alone: %+v", r)
	}
	w.SetFile("old")
	for _, id := range []pooler.ID{a, b, c} {
		w.Kill(id)
		w.start(id)
	}
	w.SetFile("new")
	w.fault(b, pooler.Fault{KeepConfig: true})
	hashes := func() []string {
		var out []string
		for _, p := range w.observe().Poolers {
			out = append(out, p.ConfigHash)
		}
		return out
	}
	if diff := cmp.Diff([]string{"old", "old", "old"}, hashes()); diff != "" {
		t.Errorf("What is in force should be observed before anything is done.\n-want, +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"new", "old", "new"}, hashes()); diff != "" || w.reason(shardstate.TypeSettingsApplied) != shardstate.ReasonReloads {
		t.Errorf("A reload that finds the old file should be seen to have changed nothing.\n-want, +got:\n%s", diff)
	}
	w.fault(b, pooler.Fault{})
	w.observe()
	if diff := cmp.Diff([]string{"new", "new", "new"}, hashes()); diff != "" || w.reason(shardstate.TypeSettingsApplied) != shardstate.ReasonApplied {
		t.Errorf("It should be repeated until it is done.\n-want, +got:\n%s", diff)
	}
	reloads := w.Calls(a)["PgCtld/ReloadConfig"]
	w.observe()
	if got := w.Calls(a)["PgCtld/ReloadConfig"]; got != reloads || reloads != 1 {
		t.Errorf("Nobody should be reloaded more often than needed: %d, then %d", reloads, got)
	}
}

func TestRewind(t *testing.T) {
	w := newWorld(t)
	calls := func() int { return w.Calls(c)["MultiPoolerConsensus/RewindToSource"] }
	w.fault(c, pooler.Fault{Diverged: true, RewindFails: true})
	w.observe()
	w.observe()
	if n, got := calls(), w.reason(shardstate.TypeRejoined); n != 0 || got != shardstate.ReasonStranded {
		t.Errorf("Multigres should be given time first: %d calls, %s", n, got)
	}
	w.ahead.Add(int64(time.Minute))
	// until it says so: a rewind does not hold up the reconcile.
	until := func(reason string) {
		t.Helper()
		for begin := time.Now(); w.reason(shardstate.TypeRejoined) != reason; time.Sleep(10 * time.Millisecond) {
			if w.observe(); time.Since(begin) > time.Minute {
				t.Fatalf("Want %s, got %s", reason, w.reason(shardstate.TypeRejoined))
			}
		}
	}
	until(shardstate.ReasonRewindFailed)
	w.fault(c, pooler.Fault{Diverged: true})
	w.ahead.Add(int64(2 * time.Minute))
	until(shardstate.ReasonNobodyOut)
	if n := calls(); n != 2 || w.Calls(a)["MultiPoolerConsensus/RewindToSource"]+w.Calls(b)["MultiPoolerConsensus/RewindToSource"] != 0 {
		t.Errorf("The one that cannot follow should be rewound once more, and nobody else: %d", n)
	}
}

func TestRequeue(t *testing.T) {
	w := newWorld(t)
	cases := []struct {
		reason string
		before func()
		want   reconcile.Result
	}{
		{"A shard that rests waits for the poll.", func() {}, reconcile.Result{RequeueAfter: time.Hour}},
		{"A pooler that is not registered yet should be looked for soon.", func() { w.mr.Spec.ForProvider.Poolers = append(w.mr.Spec.ForProvider.Poolers, w.listed(d)...) }, reconcile.Result{RequeueAfter: 5 * time.Second}},
		{"A failure should leave it to the rate limiter.", func() { w.conn.endpoints = []string{"127.0.0.1:1"} }, reconcile.Result{Requeue: true}},
	}
	for _, tc := range cases {
		tc.before()
		got, err := requeue.Wrap(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
			if _, err := w.clients.For(w.conn).Observe(ctx, w.mr); err != nil {
				requeue.Clear(ctx)
				return reconcile.Result{Requeue: true}, nil //nolint:nilerr // That is how the managed reconciler reports failures.
			}
			return reconcile.Result{RequeueAfter: time.Hour}, nil
		})).Reconcile(t.Context(), reconcile.Request{})
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s\n%v, -want, +got:\n%s", tc.reason, err, diff)
		}
	}
}

// material makes a certificate that is its own authority, for both ends.
func material(t *testing.T, name string) (cert, key []byte, server *tls.Config) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	return cert, key, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert}
}

func TestTLS(t *testing.T) {
	cert, key, server := material(t, "multipooler.app")
	w := newWorld(t, func(o *options) { o.pooler = func(c *pooler.Config) { c.TLS = server } })
	if o := w.observe(); o.Leader != "" || o.Poolers[0].Reachable {
		t.Errorf("Poolers that speak TLS should not be understood in plain text: %+v", o)
	}
	w.mr.Spec.ForProvider.TLS = &v1alpha1.ShardTLS{CASecretName: "ca", CertSecretName: "orch", ServerName: "multipooler.app"}
	if r := w.reconcile(nil); !kerrors.IsNotFound(r.err) {
		t.Errorf("A Secret that is missing should be an error: %v", r.err)
	}
	ca := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "ca"}, Data: map[string][]byte{"ca.crt": cert}}
	orch := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "orch"}, Data: map[string][]byte{"tls.crt": cert}}
	for _, s := range []*corev1.Secret{ca, orch} {
		if err := w.kube.Create(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if r := w.reconcile(nil); !errors.Is(r.err, poolers.ErrInvalid) {
		t.Errorf("A Secret without a key should be an error: %v", r.err)
	}
	orch.Data["tls.key"] = key
	if err := w.kube.Update(t.Context(), orch); err != nil {
		t.Fatal(err)
	}
	if o := w.observe(); o.Leader != "p-0" || w.reason(shardstate.TypeReady) != shardstate.ReasonAvailable {
		t.Errorf("With the right certificates all should answer: %+v", o)
	}
}

func TestForeignPooler(t *testing.T) {
	w := newWorld(t)
	// Another cluster under the same root, whose leader has come farther.
	w.start(d)
	w.fault(d, pooler.Fault{ClaimTerm: 99})
	w.observe()
	if o := w.observe(); o.Leader != "p-0" || o.Term != 1 || len(w.Calls(d)) > 0 {
		t.Errorf("A pooler that nobody lists should have no say: %+v", o)
	}
	if diff := cmp.Diff([]string{"p-3"}, w.mr.Status.AtProvider.Leftovers); diff != "" || len(w.keys("/multigres/a/poolers/")) != 2 {
		t.Errorf("It should be shown and left alone.\n-want, +got:\n%s", diff)
	}
}
