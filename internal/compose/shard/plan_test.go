package shard

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// unready is what a pod says of itself that has not been ready for half a minute.
const unready = `[{type: Ready, status: "False", lastTransitionTime: "2026-01-01T00:59:30Z"}]`

// composed returns the keys of one kind, sorted.
func composed(t testing.TB, out compose.Output, kind string) []string {
	t.Helper()
	var keys []string
	for key := range out.Resources {
		if composetest.Get(t, out, key).Kind() == kind {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func progress(t testing.TB, out compose.Output) string {
	t.Helper()
	for _, c := range out.Conditions {
		if c.Type == compose.TypeProgressing {
			return c.Message
		}
	}
	t.Fatal("want a condition Progressing")
	return ""
}

// TestGates holds what pods wait for. What waits says so, and what exists stays whatever its gate says.
func TestGates(t *testing.T) {
	all := []string{naming.KeyPod("main", "z1", 0), naming.KeyPod("main", "z1", 1), naming.KeyPod("main", "z1", 2)}
	cases := map[string]struct {
		reason   string
		xr       string
		close    func(w *world)
		want     []string
		progress string
	}{
		"Open": {reason: "All missing pods are created in one pass.", xr: minimal, close: func(*world) {}, want: all},
		"OwnClaim": {
			reason: "A pod waits for its own volume, and for that of no other.", xr: minimal,
			close:    func(w *world) { w.edit(naming.KeyDataClaim("main", "z1", 1), unready, "status", "conditions") },
			want:     []string{all[0], all[2]},
			progress: "VolumeClaim data-orders-postgres-default-0-inf-pool-main-z1-48700c48-1",
		},
		"BackupClaim": {
			reason: "Every member restores from the backup volume.", xr: minimal,
			close:    func(w *world) { w.edit(naming.KeyBackupClaim, unready, "status", "conditions") },
			progress: "VolumeClaim backup-data-orders-postgres-default-0-inf-73f36ae3",
		},
		"Certificate": {
			reason: "Members exchange backups with a certificate.", xr: minimal,
			close:    func(w *world) { w.edit(naming.KeyPgBackRestTLS, unready, "status", "conditions") },
			progress: "TLSCertificate orders-postgres-default-0-inf-36675870-pgbackrest-tls",
		},
		"Record": {
			reason: "Members of a shard that is going have the same names: until its record has gone there is none of this shard's own.", xr: minimal,
			close:    func(w *world) { delete(w.in.Observed, naming.KeyShardRecord) },
			progress: "ShardRecord orders-postgres-default-0-inf-36675870",
		},
		"RecordGoing": {
			reason: "One that is going is as good as none.", xr: minimal,
			close:    func(w *world) { w.edit(naming.KeyShardRecord, created, "metadata", "deletionTimestamp") },
			progress: "ShardRecord orders-postgres-default-0-inf-36675870",
		},
		"ConfigMaps": {
			reason: "What a pod mounts must exist.", xr: minimal,
			close:    func(w *world) { delete(w.in.Observed, naming.KeyPostgresConfig) },
			progress: "ConfigMaps",
		},
		"UserCertificate": {
			reason: "A certificate of the user's own opens the gate when it is complete.", xr: own,
			close: func(w *world) {
				w.in.Required[requireCertificate] = composetestObjects(w.t, `{kind: Secret, data: {ca.crt: YQ==, tls.crt: YQ==, tls.key: YQ==}}`)
			},
			want: all,
		},
		"UserCertificateIncomplete": {
			reason: "A Secret without a key is no certificate.", xr: own,
			close: func(w *world) {
				w.in.Required[requireCertificate] = composetestObjects(w.t, `{kind: Secret, data: {ca.crt: YQ==, tls.crt: YQ==}}`)
			},
			progress: "Secret mine with the keys ca.crt, tls.crt and tls.key",
		},
		"InternalTLS": {
			reason: "Poolers wait for their certificate; orchestrators, whose own is there, do not wait for it.",
			xr:     change(t, minimal, "  durabilityPolicy:", "  internalTLS: {enabled: true}\n  durabilityPolicy:"),
			close: func(w *world) {
				w.in.Required[requirePoolerTLS] = nil
				w.in.Required[requireOrchTLS] = composetestObjects(w.t, certificateReady)
			},
			progress: "TLSCertificate multipooler.orders.app.multigres.internal",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			required := answers(t)
			required[requireCertificate] = nil
			w := newWorld(t, tc.xr, required)
			w.compose()
			w.apply()
			tc.close(w)
			out := w.compose()
			if diff := cmp.Diff(tc.want, composed(t, out, "Pod")); diff != "" {
				t.Errorf("\n%s\npods: -want, +got:\n%s", tc.reason, diff)
			}
			if !strings.Contains(progress(t, out), tc.progress) {
				t.Errorf("\n%s\nwant Progressing to say %q, got %q", tc.reason, tc.progress, progress(t, out))
			}
			if len(composed(t, out, "StatefulSet")) != 1 {
				t.Error("want the orchestrator, which waits for nothing of this")
			}
		})
		t.Run(name+"Exists", func(t *testing.T) {
			required := answers(t)
			required[requireCertificate] = composetestObjects(t, `{kind: Secret, data: {ca.crt: YQ==, tls.crt: YQ==, tls.key: YQ==}}`)
			w := newWorld(t, tc.xr, required)
			w.settle()
			tc.close(w)
			if diff := cmp.Diff(all, composed(t, w.compose(), "Pod")); diff != "" {
				t.Errorf("\na gate delays creation and never removes: -want, +got:\n%s", diff)
			}
		})
	}
}

// TestOrchestratorsWaitForTheirCertificate holds the one gate of orchestrators.
func TestOrchestratorsWaitForTheirCertificate(t *testing.T) {
	required := answers(t)
	required[requireOrchTLS] = nil
	w := newWorld(t, everything, required)
	out := w.compose()
	if got := composed(t, out, "StatefulSet"); len(got) > 0 {
		t.Errorf("want no orchestrators yet, got %v", got)
	}
	if want := "TLSCertificate multiorch.shop.app.multigres.internal"; !strings.Contains(progress(t, out), want) {
		t.Errorf("want Progressing to say %q, got %q", want, progress(t, out))
	}
}

// TestFreeze holds that an outdated pod is applied as exactly what its applier owns of it: not what the template says by now,
// and not what others put there.
func TestFreeze(t *testing.T) {
	w := newWorld(t, minimal, nil)
	w.settle()
	key := naming.KeyPod("main", "z1", 0)
	w.in.Observed[key] = composetest.Object(t, `
apiVersion: v1
kind: Pod
metadata:
  name: orders-postgres-default-0-inf-pool-main-z1-48700c48-0
  namespace: app
  uid: u
  labels: {multigres.com/cell: z1, injected: by-others}
  annotations: {multigres.com/spec-hash: old}
  managedFields:
  - manager: apiextensions.crossplane.io/composed/abc
    operation: Apply
    fieldsV1:
      f:metadata: {f:labels: {"f:multigres.com/cell": {}}, f:annotations: {"f:multigres.com/spec-hash": {}}}
      f:spec:
        f:hostname: {}
        f:containers: {'k:{"name":"multipooler"}': {.: {}, f:name: {}, f:image: {}, f:args: {}}}
  - manager: kubelet
    operation: Update
    subresource: status
    fieldsV1: {f:status: {}}
spec:
  hostname: h
  schedulerName: default-scheduler
  nodeName: n1
  containers:
  - {name: multipooler, image: "multigres:v0.0.9", args: [multipooler, --cell=z1], terminationMessagePath: /dev/termination-log}
  - {name: injected, image: sidecar}
status: {conditions: [{type: Ready, status: "True"}]}
`)
	out := w.compose()
	want := map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{
			"name":        "orders-postgres-default-0-inf-pool-main-z1-48700c48-0",
			"labels":      map[string]any{"multigres.com/cell": "z1"},
			"annotations": map[string]any{"multigres.com/spec-hash": "old"},
		},
		"spec": map[string]any{
			"hostname":   "h",
			"containers": []any{map[string]any{"name": "multipooler", "image": "multigres:v0.0.9", "args": []any{"multipooler", "--cell=z1"}}},
		},
	}
	if diff := cmp.Diff(want, composetest.Get(t, out, key).Struct().AsMap()); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	if !out.Resources[key].Ready {
		t.Error("an outdated pod that is ready is ready")
	}
}

// TestFreezeUnreadable holds that managed fields which cannot be read stop everything: nothing is guessed.
func TestFreezeUnreadable(t *testing.T) {
	w := newWorld(t, minimal, nil)
	w.settle()
	key := naming.KeyPod("main", "z1", 0)
	w.edit(key, "old", "metadata", "annotations", naming.AnnotationSpecHash)
	w.edit(key, "[{manager: apiextensions.crossplane.io/composed/x, operation: Apply, fieldsV1: {'k:{': 1}}]", "metadata", "managedFields")
	if _, err := Compose(w.in); err == nil {
		t.Error("want an error")
	}
}

// TestRetire holds what is kept of a pool that the specification drops, while its pod is there.
func TestRetire(t *testing.T) {
	two := change(t, minimal, "  pools:\n", "  pools:\n    side: {cells: [z2], replicasPerCell: 1, storage: {size: 1Gi}, postgres: {resources: {limits: {memory: 512Mi}}}}\n")
	w := newWorld(t, two, nil)
	before := w.settle()
	name := composetest.Get(t, before, naming.KeyPod("side", "z2", 0)).Name()
	w.set(minimal)
	out := w.compose()

	for _, key := range []string{naming.KeyPod("side", "z2", 0), naming.KeyDataClaim("side", "z2", 0), naming.KeyHeadlessService("side", "z2")} {
		if r, ok := out.Resources[key]; !ok || !r.Kept.Exists() || !r.Ready {
			t.Errorf("%s: want it kept, and ready as it is", key)
		}
	}
	for _, key := range []string{naming.KeyMultiOrch("z2"), naming.KeyMultiOrchService("z2")} {
		if _, ok := out.Resources[key]; ok {
			t.Errorf("%s: an orchestrator keeps nothing and goes", key)
		}
	}
	rec := composetest.Get(t, out, naming.KeyShardRecord).At("spec", "forProvider")
	if diff := cmp.Diff([]string{"z1", "z2"}, rec.Strings("cells")); diff != "" {
		t.Errorf("a cell stays until its last pooler has gone: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(
		composetest.Get(t, before, naming.KeyShardRecord).List("spec", "forProvider", "poolers")[3].Struct().AsMap(),
		rec.List("poolers")[3].Struct().AsMap()); diff != "" {
		t.Errorf("a retiring pooler is expected as it was: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(
		composetest.Get(t, before, naming.KeyPgBackRestTLS).Strings("spec", "forProvider", "dnsNames"),
		composetest.Get(t, out, naming.KeyPgBackRestTLS).Strings("spec", "forProvider", "dnsNames")); diff != "" {
		t.Errorf("the certificate is valid for a retiring pod: -want, +got:\n%s", diff)
	}
	if got := composetest.Get(t, out, naming.KeyShardPDB).Int("spec", "minAvailable"); got != 3 {
		t.Errorf("want a budget for all four members, got %d", got)
	}
	if !strings.Contains(progress(t, out), "removal of Pod "+name) || !out.InProgress || !out.Ready {
		t.Errorf("want a ready shard in motion that says what goes, got ready %v, in progress %v, %q", out.Ready, out.InProgress, progress(t, out))
	}
	st := statusOf(t, out)
	at := metav1.NewTime(now)
	want := []v1alpha1.RetiringResource{{
		Name: "Pod " + name, Since: at, Reason: "RecordStale", ReasonSince: at, Message: "waits for the shard's record to be read again",
	}}
	if diff := cmp.Diff(want, st.Retiring); diff != "" {
		t.Errorf("retiring: -want, +got:\n%s", diff)
	}
	if st.DesiredReplicas != 3 || st.ReadyReplicas != 3 {
		t.Errorf("want 3 of 3 instances, got %d of %d", st.ReadyReplicas, st.DesiredReplicas)
	}
	if diff := cmp.Diff([]string{"z1", "z2"}, st.CellsInUse); diff != "" {
		t.Errorf("cells in use: -want, +got:\n%s", diff)
	}
}

// TestKeepsCertificate holds that the generated certificate stays while a pod mounts it, and goes with the last such pod.
func TestKeepsCertificate(t *testing.T) {
	w := newWorld(t, minimal, map[string][]object.Object{
		requireCertificate: composetestObjects(t, `{kind: Secret, data: {ca.crt: YQ==, tls.crt: YQ==, tls.key: YQ==}}`),
	})
	w.settle()
	w.set(own)
	if out := w.compose(); !out.Resources[naming.KeyPgBackRestTLS].Kept.Exists() {
		t.Error("pods mount the generated certificate until they are replaced")
	}
	for range 4 {
		w.settle()
	}
	if _, ok := w.out.Resources[naming.KeyPgBackRestTLS]; ok {
		t.Error("nobody needs the generated certificate any more")
	}
}

// TestKeepsBackupVolume holds that the backups stay when new ones go elsewhere.
func TestKeepsBackupVolume(t *testing.T) {
	w := newWorld(t, minimal, nil)
	w.settle()
	w.set(change(t, minimal, "backup: {type: filesystem, filesystem: {path: /backups, storage: {size: 10Gi}}}", "backup: {type: s3, s3: {bucket: b, region: r}}"))
	if out := w.compose(); !out.Resources[naming.KeyBackupClaim].Kept.Exists() {
		t.Error("want the volume with the backups kept")
	}
}

// TestTerminating holds that a pod on its way out is not composed: its successor, of the same name, must wait until it has
// gone, whoever asked for its deletion.
func TestTerminating(t *testing.T) {
	key := naming.KeyPod("main", "z1", 0)
	w := newWorld(t, minimal, nil)
	w.settle()
	w.edit(key, created, "metadata", "deletionTimestamp")
	out := w.compose()
	if _, ok := out.Resources[key]; ok {
		t.Error("want no pod composed in the place of one that is terminating")
	}
	st := statusOf(t, out)
	if st.ReadyReplicas != 2 || st.UpdatedReplicas != 2 || out.Ready {
		t.Errorf("a terminating pod neither serves nor counts: %d ready, %d updated, ready %v", st.ReadyReplicas, st.UpdatedReplicas, out.Ready)
	}
	w.lingers = true
	w.apply()
	if out := w.compose(); out.Resources[key].Object != nil {
		t.Error("want none while it is terminating and observed no longer")
	}
	w.lingering = nil
	if out := w.compose(); out.Resources[key].Object == nil {
		t.Error("want its successor once it has gone")
	}
}
