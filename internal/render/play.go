package render

import (
	"encoding/base64"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// playedPassword is the password of a cluster that never was.
const playedPassword = "rendered-password"

// play does what controllers, kubelets and the data plane would do to everything that a composite composes: it becomes ready.
// It reports whether anything changed.
func (r *renderer) play(xr id) bool {
	changed := false
	children := r.world.children(xr)
	for _, key := range slices.Sorted(maps.Keys(children)) {
		u := children[key]
		if isComposite(idOf(u)) || u.GetDeletionTimestamp() != nil {
			continue
		}
		status := r.played(xr, u)
		if status == nil || equality.Semantic.DeepEqual(u.Object["status"], any(status)) {
			continue
		}
		c := u.DeepCopy()
		c.Object["status"] = status
		r.world.put(c)
		changed = true
	}
	return changed
}

// played returns the status of an object that is ready, or nil for one whose status nobody looks at.
func (r *renderer) played(xr id, u *unstructured.Unstructured) map[string]any {
	switch g := idOf(u); {
	case g.group == "apps":
		return playedWorkload(u)
	case g.group == "" && g.kind == "Pod":
		return map[string]any{"phase": "Running", "conditions": []any{condition("Ready", "")}}
	case g.group == mv1alpha1.Group && g.kind == mv1alpha1.ProviderConfigKind:
		return nil
	case g.group == mv1alpha1.Group:
		return r.playedManaged(xr, u)
	default:
		return nil
	}
}

func condition(typ, reason string) map[string]any {
	c := map[string]any{"type": typ, "status": "True"}
	if reason != "" {
		c["reason"] = reason
	}
	return c
}

func playedWorkload(u *unstructured.Unstructured) map[string]any {
	n, ok, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
	if !ok {
		n = 1
	}
	return map[string]any{
		"observedGeneration": u.GetGeneration(), "replicas": n, "readyReplicas": n, "availableReplicas": n, "updatedReplicas": n,
	}
}

// playedManaged returns the status of a managed resource whose external resource is as wanted. Some of them leave things behind
// that others look at: a password its Secret.
func (r *renderer) playedManaged(xr id, u *unstructured.Unstructured) map[string]any {
	status := map[string]any{"conditions": []any{condition("Ready", "Available"), condition("Synced", "ReconcileSuccess")}}
	switch u.GetKind() {
	case mv1alpha1.PasswordKind:
		r.playPassword(u)
	case mv1alpha1.VolumeClaimKind:
		status["atProvider"] = map[string]any{"phase": "Bound"}
	case mv1alpha1.ShardRecordKind:
		status["atProvider"] = r.playedShard(xr, u)
	}
	return status
}

func (r *renderer) playPassword(u *unstructured.Unstructured) {
	name, _, _ := unstructured.NestedString(u.Object, "spec", "forProvider", "secretName")
	key, _, _ := unstructured.NestedString(u.Object, "spec", "forProvider", "key")
	if key == "" {
		key = "password"
	}
	s := &unstructured.Unstructured{}
	s.SetAPIVersion("v1")
	s.SetKind("Secret")
	s.SetNamespace(u.GetNamespace())
	s.SetName(name)
	if _, there := r.world.objects[idOf(s)]; there {
		return
	}
	s.Object["data"] = map[string]any{key: base64.StdEncoding.EncodeToString([]byte(playedPassword))}
	r.world.put(s)
}

// playedShard returns what the record of a shard says whose poolers are all well: the first of them leads. Only poolers whose
// pods exist count.
func (r *renderer) playedShard(xr id, u *unstructured.Unstructured) map[string]any {
	pods := map[string]bool{}
	for _, c := range r.world.children(xr) {
		if c.GetKind() == "Pod" {
			pods[c.GetName()] = true
		}
	}
	wanted, _, _ := unstructured.NestedSlice(u.Object, "spec", "forProvider", "poolers")
	var poolers, cohort []any
	leader, leaderPod := "", ""
	for _, w := range wanted {
		p, _ := w.(map[string]any)
		pod, _ := p["pod"].(string)
		if !pods[pod] {
			continue
		}
		service, _ := p["serviceID"].(string)
		role := "REPLICA"
		if leader == "" {
			role, leader, leaderPod = "PRIMARY", service, pod
		}
		cohort = append(cohort, service)
		poolers = append(poolers, map[string]any{
			"pod": pod, "serviceID": service, "cell": p["cell"], "role": role, "term": int64(1), "inCohort": true, "registered": true,
			"reachable": true, "initialized": true, "postgresReady": true, "lagWithinLimit": true, "restartPending": false,
		})
	}
	out := map[string]any{}
	if probe, ok, _ := unstructured.NestedString(u.Object, "spec", "forProvider", "probe"); ok {
		out["probe"] = probe
	}
	if leader != "" {
		out["leader"], out["leaderPod"], out["term"], out["cohort"], out["poolers"] = leader, leaderPod, int64(1), cohort, poolers
	}
	return out
}
