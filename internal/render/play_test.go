package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestPlay(t *testing.T) {
	available := []any{map[string]any{"type": "Ready", "status": "True", "reason": "Available"}, map[string]any{"type": "Synced", "status": "True", "reason": "ReconcileSuccess"}}
	cases := map[string]struct {
		reason string
		object string
		want   map[string]any
	}{
		"Pod": {
			reason: "A pod runs and is ready.",
			object: `{apiVersion: v1, kind: Pod, metadata: {name: p}}`,
			want:   map[string]any{"phase": "Running", "conditions": []any{map[string]any{"type": "Ready", "status": "True"}}},
		},
		"Deployment": {
			reason: "A Deployment has all its replicas.",
			object: `{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, generation: 3}, spec: {replicas: 2}}`,
			want: map[string]any{
				"observedGeneration": int64(3), "replicas": int64(2), "readyReplicas": int64(2), "availableReplicas": int64(2), "updatedReplicas": int64(2),
			},
		},
		"StatefulSet": {
			reason: "Kubernetes takes one replica where it does not say.",
			object: `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s}}`,
			want: map[string]any{
				"observedGeneration": int64(0), "replicas": int64(1), "readyReplicas": int64(1), "availableReplicas": int64(1), "updatedReplicas": int64(1),
			},
		},
		"Service":        {reason: "Nobody looks at the status of a Service.", object: `{apiVersion: v1, kind: Service, metadata: {name: s}}`},
		"ProviderConfig": {reason: "A provider configuration has no status.", object: `{apiVersion: m.multigres.com/v1alpha1, kind: ProviderConfig, metadata: {name: c}}`},
		"Composite":      {reason: "The status of a composite is the function's.", object: `{apiVersion: multigres.com/v1alpha1, kind: Cell, metadata: {name: c}}`},
		"Managed": {
			reason: "A managed resource is as wanted.",
			object: `{apiVersion: m.multigres.com/v1alpha1, kind: CellRecord, metadata: {name: c}}`,
			want:   map[string]any{"conditions": available},
		},
		"VolumeClaim": {
			reason: "A claim is bound.",
			object: `{apiVersion: m.multigres.com/v1alpha1, kind: VolumeClaim, metadata: {name: c}}`,
			want:   map[string]any{"conditions": available, "atProvider": map[string]any{"phase": "Bound"}},
		},
		"Terminating": {
			reason: "What is on its way out is not played.",
			object: `{apiVersion: v1, kind: Pod, metadata: {name: p, deletionTimestamp: "2026-01-01T00:00:00Z"}}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := &renderer{world: newWorld()}
			xr := id{kind: "X", name: "x"}
			u := parse(t, tc.object)
			r.world.adopt(xr, "key", u)

			if got := r.play(xr); got != (tc.want != nil) {
				t.Errorf("\n%s\nplay(...): want change %v, got %v", tc.reason, tc.want != nil, got)
			}
			got, _, err := unstructured.NestedMap(r.world.objects[idOf(u)].Object, "status")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nplay(...): -want, +got:\n%s", tc.reason, diff)
			}
			if r.play(xr) {
				t.Errorf("\nWhat is ready does not change.\nplay(...): want no change")
			}
		})
	}
}

func TestPlayPassword(t *testing.T) {
	xr := id{kind: "X", name: "x"}
	password := `{apiVersion: m.multigres.com/v1alpha1, kind: Password, metadata: {name: pw, namespace: app}, spec: {forProvider: {secretName: s, key: k}}}`

	r := &renderer{world: newWorld()}
	r.world.adopt(xr, "password", parse(t, password))
	r.play(xr)
	found := r.world.find("v1", "Secret", "app", "s", nil)
	if len(found) != 1 {
		t.Fatalf("\nA password makes its Secret.\nplay(...): want one Secret, got %d", len(found))
	}
	want := map[string]any{"k": "cmVuZGVyZWQtcGFzc3dvcmQ="}
	if diff := cmp.Diff(want, found[0].Object["data"]); diff != "" {
		t.Errorf("\nThe Secret has the password under the key that was asked for.\nplay(...): -want, +got:\n%s", diff)
	}

	theirs := parse(t, `{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: app}, data: {k: dGhlaXJz}}`)
	r = &renderer{world: newWorld()}
	r.world.put(theirs)
	r.world.adopt(xr, "password", parse(t, password))
	r.play(xr)
	if diff := cmp.Diff(theirs.Object, r.world.objects[idOf(theirs)].Object); diff != "" {
		t.Errorf("\nA Secret that is there stays as it is.\nplay(...): -want, +got:\n%s", diff)
	}
}

func TestPlayShardRecord(t *testing.T) {
	record := `
apiVersion: m.multigres.com/v1alpha1
kind: ShardRecord
metadata: {name: r}
spec:
  forProvider:
    poolers:
    - {pod: a, serviceID: a-id, cell: z1}
    - {pod: b, serviceID: b-id, cell: z2}
    - {pod: c, serviceID: c-id, cell: z2}
`
	pooler := func(pod, cell, role string) map[string]any {
		return map[string]any{
			"pod": pod, "serviceID": pod + "-id", "cell": cell, "role": role, "term": int64(1), "inCohort": true, "registered": true,
			"reachable": true, "initialized": true, "postgresReady": true, "lagWithinLimit": true, "restartPending": false,
		}
	}
	cases := map[string]struct {
		reason string
		pods   []string
		want   map[string]any
	}{
		"NoPods": {reason: "Without pods there is no leader.", want: map[string]any{}},
		"Some": {
			reason: "The first pooler whose pod exists leads; poolers without a pod do not count.",
			pods:   []string{"b", "c"},
			want: map[string]any{
				"leader": "b-id", "leaderPod": "b", "term": int64(1), "cohort": []any{"b-id", "c-id"},
				"poolers": []any{pooler("b", "z2", "PRIMARY"), pooler("c", "z2", "REPLICA")},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := &renderer{world: newWorld()}
			xr := id{kind: "X", name: "x"}
			u := parse(t, record)
			r.world.adopt(xr, "record", u)
			for _, p := range tc.pods {
				r.world.adopt(xr, p, parse(t, `{apiVersion: v1, kind: Pod, metadata: {name: `+p+`}}`))
			}
			r.play(xr)
			got, _, err := unstructured.NestedMap(r.world.objects[idOf(u)].Object, "status", "atProvider")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nplay(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
