package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/multigres/multigres/go/common/consensus"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/fn"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// A fact is something that the model takes for granted about what it stands for.
type fact struct {
	claim  string
	source string

	// check holds the model against it. Facts without one rest on their source alone.
	check func(t *testing.T)
}

// facts are all that the model assumes.
var facts = []fact{
	// Crossplane.
	{"one pass at a time; it collects, remembers what is desired, applies, and writes the status, in this order", "Crossplane v2.4.0, composition_functions.go", nil},
	{"what is observed and not desired is deleted, if it still has the UID that was observed", "Crossplane v2.4.0, measured", checkCollects},
	{"what was omitted is no longer observed, even while it terminates", "Crossplane v2.4.0, measured", checkCollects},
	{"what is desired and terminating is applied to the terminating object, and made anew after it has gone", "Crossplane v2.4.0, measured", nil},
	{"a pod's specification cannot change; applying another one is refused for this object alone", "Kubernetes 1.33 to 1.35; Crossplane v2.4.0, measured: 422", checkImmutable},
	{"applying the fields that are owned changes nothing; fields of others stay theirs", "Crossplane v2.4.0, measured", checkFreeze},
	{"required resources are asked for in at most five rounds and remembered until core dies", "Crossplane v2.4.0, source and measured", nil},
	{"every event of an observed or required object asks for a pass 15 to 50 ms later", "Crossplane v2.4.0, measured", nil},
	{"the breaker lets 100 events through and 1 more each second; then one per 30 s for 5 minutes; an update counts twice, a deletion not at all", "Crossplane v2.4.0, measured", checkBreaker},
	{"the response's time to live is kept although the breaker is open, give or take a tenth", "Crossplane v2.4.0, measured", nil},
	{"the function asks to be called again after 12 s while something is in progress, and after 10 min at rest", "fn.DefaultTTLInProgress, fn.DefaultTTLAtRest", checkTTL},
	// Kubernetes.
	{"a terminating pod still says that it is ready", "Crossplane v2.4.0 and Kubernetes, measured", nil},
	{"a pod's containers get SIGTERM at its deletion and up to 90 s to stop", "the composed pod, terminationGracePeriodSeconds", checkPod},
	{"readiness is asked for every 10 s at most", "the composed pod, readinessProbe", checkPod},
	{"a pod says which pooler it is: --service-id, --cell", "the composed pod, args of multipooler", checkPod},
	{"pods of a silent node stop being ready after 50 s and are deleted 300 s later; they go when the node is back or removed", "Kubernetes: --node-monitor-grace-period, toleration of node.kubernetes.io/unreachable", nil},
	{"a volume is taken from a lost node after 6 minutes, at once if the node is removed", "Kubernetes: attach/detach controller", nil},
	{"a claim that a pod uses is only deleted once no pod does", "Kubernetes: pvc-protection", nil},
	{"an evicted pod stays, in phase Failed", "Kubernetes: kubelet eviction", nil},
	// Multigres.
	{"a write is held by two members, of two cells under MULTI_CELL_AT_LEAST_2", "Multigres v0.1.0: go/common/consensus", checkPolicies},
	{"an election needs a majority, and that those who are missing cannot hold a write", "Multigres v0.1.0: go/common/consensus", checkPolicies},
	{"a member is not dropped if the rest could not meet the policy", "Multigres v0.1.0, measured: cohort cannot achieve durability policy", checkPolicies},
	{"a pooler that gets SIGTERM keeps its record as DRAINED and is out of the cohort within 2 s, if there is a leader", "Multigres v0.1.0, measured", checkLeaves},
	{"a pooler that is killed stays in the cohort, and its record as it was", "Multigres v0.1.0, measured", checkLeaves},
	{"another leader serves 5 to 13 s after the leader is gone, 38 s if PostgreSQL outlives its pooler", "Multigres v0.1.0, measured", checkLeaves},
	{"a leader that comes back says PRIMARY for 5 to 20 s, then is demoted and rewound", "Multigres v0.1.0, measured", nil},
	{"a follower that serves is taken into the cohort within seconds, also if it was removed", "Multigres v0.1.0, measured", nil},
	{"a new member restores the backup and is in the cohort within about 10 s", "Multigres v0.1.0, measured: 9.8 s", nil},
	{"a shard is born 10 to 20 s after enough poolers run", "Multigres v0.1.0, measured: 20 s", nil},
	{"a dead topology server disturbs neither queries nor elections", "Multigres v0.1.0, measured: 23 s", nil},
	{"PostgreSQL is started again in its place within 5 s when it alone dies", "Multigres v0.1.0, measured", nil},
	{"a server reads its settings from the mounted ConfigMap when it starts", "internal/pgconf, InitdbExtraConf", nil},
	// Our provider.
	{"the record is read again on every change of its specification, of a pod and of the topology, every 5 s while something is in progress, and every minute", "ShardRecord", nil},
	{"a probe is echoed with facts that were read after it was seen", "ShardRecord, atProvider.probe", nil},
	{"removed poolers lose their place in the cohort and their record only when their pods are gone", "ShardRecord, removed", nil},
	{"a claim keeps its volume unless its management policies let it delete", "VolumeClaim, managementPolicies", nil},
	{"a volume that has grown needs a pod that mounts it anew", "VolumeClaim, resize.fileSystemResizePending", nil},
}

// TestFacts holds the model against what it takes for granted, and every fact against having a source.
func TestFacts(t *testing.T) {
	for _, f := range facts {
		if f.claim == "" || f.source == "" {
			t.Errorf("want a claim and its source, got %+v", f)
		}
		if f.check != nil {
			t.Run(strings.ReplaceAll(f.claim, " ", "_"), f.check)
		}
	}
}

// settled returns a world that has come to rest.
func settled(t *testing.T, s *spec) *world {
	t.Helper()
	w := newWorld(7, s)
	w.run(epoch.Add(5 * time.Minute))
	if w.judge.failure != nil {
		t.Fatal(w.judge.failure.text)
	}
	if m := w.missing(); len(m) > 0 {
		t.Fatalf("want a shard at rest: %s", strings.Join(m, "; "))
	}
	return w
}

func three() *spec {
	return &spec{
		pools: map[string]pool{"main": {cells: []string{"z1"}, replicas: 3, size: "1Gi", cpu: "100m"}}, image: "pgctld:v1",
		policy: v1alpha1.DurabilityAtLeast2, deleted: v1alpha1.PVCRetain, scaled: v1alpha1.PVCRetain,
	}
}

// checkPolicies compares every split of cohorts of up to five members in up to three cells with Multigres' own rules.
func checkPolicies(t *testing.T) {
	t.Helper()
	policies := map[v1alpha1.DurabilityPolicy]consensus.DurabilityPolicy{
		v1alpha1.DurabilityAtLeast2: consensus.AtLeastNPolicy{N: 2}, v1alpha1.DurabilityMultiCellAtLeast2: consensus.MultiCellPolicy{N: 2},
	}
	cases := 0
	for name, real := range policies {
		p := &plane{policy: name}
		for n := 1; n <= 5; n++ {
			for shape := range 1 << (2 * n) {
				var cohort []*clustermetadatapb.ID
				for i := range n {
					cohort = append(cohort, &clustermetadatapb.ID{
						Component: clustermetadatapb.ID_MULTIPOOLER, Cell: cells[min(shape>>(2*i)&3, 2)], Name: fmt.Sprint(i),
					})
				}
				for set := range 1 << n {
					var recruited []*clustermetadatapb.ID
					serving, missing := map[string]string{}, map[string]string{}
					for i, id := range cohort {
						if set>>i&1 == 1 {
							recruited = append(recruited, id)
							serving[id.GetName()] = id.GetCell()
						} else {
							missing[id.GetName()] = id.GetCell()
						}
					}
					want := len(recruited) > 0 && real.CheckSufficientRecruitment(cohort, recruited) == nil && real.CheckAchievable(recruited) == nil
					if got := p.electable(serving, missing); got != want {
						t.Fatalf("%s, serving %v, missing %v: electable: want %t, got %t", name, serving, missing, want, got)
					}
					if got, want := p.holds(serving), real.CheckAchievable(recruited) == nil; got != want {
						t.Fatalf("%s, %v: holds: want %t, got %t", name, serving, want, got)
					}
					cases++
				}
			}
		}
	}
	t.Logf("%d cases", cases)
}

// checkLeaves measures how a member leaves.
func checkLeaves(t *testing.T) {
	t.Helper()
	w := settled(t, three())
	follower := ""
	for _, id := range w.plane.ids() {
		if id != w.plane.leader {
			follower = id
		}
	}
	f := w.plane.processes[follower]
	w.plane.kill(f.pod)
	w.run(w.now.Add(time.Minute))
	if w.plane.cohort[follower] == "" || w.plane.topology[follower].kind != "REPLICA" {
		t.Error("a killed member stays in the cohort, with its record")
	}
	w = settled(t, three())
	began := w.now
	w.api.delete(w.plane.processes[follower].pod.o)
	for w.plane.cohort[follower] != "" && w.now.Before(began.Add(time.Minute)) {
		w.step()
	}
	if took := w.now.Sub(began); took > 4*time.Second || w.plane.topology[follower].kind != "DRAINED" {
		t.Errorf("a member that is told to stop leaves within seconds, took %s", took)
	}
	w = settled(t, three())
	old := w.plane.leader
	began = w.now
	w.plane.kill(w.plane.processes[old].pod)
	for w.plane.leader == old && w.now.Before(began.Add(2*time.Minute)) {
		w.step()
	}
	if took := w.now.Sub(began); took < 4*time.Second || took > 42*time.Second {
		t.Errorf("want another leader after 4 to 42 s, took %s", took)
	}
}

// checkCollects omits a pod.
func checkCollects(t *testing.T) {
	t.Helper()
	w := settled(t, three())
	key := ""
	for k, r := range w.core.refs {
		if r.kind == "Pod" {
			key = k
		}
	}
	composer := w.core.compose
	o := w.api.get("Pod", w.core.refs[key].name)
	w.core.compose = func(in compose.Input) (compose.Output, error) {
		out, err := composer(in)
		delete(out.Resources, key)
		return out, err
	}
	w.core.wake()
	for !o.deleting() {
		w.step()
	}
	if _, ok := w.core.observe().Observed[key]; ok {
		t.Error("what was omitted is not observed any more")
	}
	if w.api.byUID("Pod", o.name, o.uid) == nil {
		t.Error("a pod takes time to go")
	}
	uid := o.uid
	w.api.remove(o)
	w.api.create("Pod", o.name, key, o.config, nil)
	if n := w.api.get("Pod", o.name); n.uid == uid || w.api.byUID("Pod", o.name, uid) != nil {
		t.Error("a successor has another UID")
	}
}

// checkImmutable applies another specification to a pod.
func checkImmutable(t *testing.T) {
	t.Helper()
	w := settled(t, three())
	o := w.api.pods()[0]
	s := object.New(o.config).Struct()
	other := fields("apiVersion", "v1", "kind", "Pod", "metadata", s.GetFields()["metadata"], "spec", record("hostname", "other"))
	if got := w.api.apply(o.key, compose.Resource{Kept: object.New(other)}); got != refused {
		t.Errorf("want the apply refused, got %d", got)
	}
	relabelled := fields("apiVersion", "v1", "kind", "Pod", "metadata", record("name", o.name, "labels", record("a", "b")), "spec", s.GetFields()["spec"])
	if got := w.api.apply(o.key, compose.Resource{Kept: object.New(relabelled)}); got != changed {
		t.Errorf("want labels to change in place, got %d", got)
	}
}

// checkFreeze applies what core owns of each pod.
func checkFreeze(t *testing.T) {
	t.Helper()
	w := settled(t, three())
	for _, o := range w.api.pods() {
		kept, err := object.Owned(o.look(), object.ManagerPrefix)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.api.apply(o.key, compose.Resource{Kept: kept}); got != unchanged {
			t.Errorf("want nothing changed, got %d", got)
		}
		if kept.Has("spec", "nodeName") || !o.look().Has("spec", "nodeName") {
			t.Error("what the scheduler wrote is not core's")
		}
	}
}

// checkBreaker counts the events that the breaker lets through.
func checkBreaker(t *testing.T) {
	t.Helper()
	w := settled(t, three())
	c := w.core
	c.tokens, c.refilled = breakerBurst, w.now
	for range 50 {
		c.event(2)
	}
	if !c.open.Before(w.now) && !c.open.IsZero() {
		t.Error("want 50 updates let through")
	}
	c.event(2)
	if got, want := c.open, w.now.Add(5*time.Minute); !got.Equal(want) {
		t.Errorf("want events dropped until %s, got %s", want, got)
	}
}

func checkTTL(t *testing.T) {
	t.Helper()
	if ttl(compose.Output{InProgress: true}) != fn.DefaultTTLInProgress || ttl(compose.Output{}) != fn.DefaultTTLAtRest {
		t.Error("want the function's own times")
	}
	if fn.DefaultTTLInProgress > 15*time.Second || fn.DefaultTTLAtRest < 5*time.Minute {
		t.Error("the times are not those of the claim")
	}
}

// checkPod looks at a composed pod.
func checkPod(t *testing.T) {
	t.Helper()
	w := newWorld(1, three())
	var pods []*corev1.Pod
	w.run(epoch.Add(time.Minute))
	for _, o := range w.api.pods() {
		if p, ok := o.typed.(*corev1.Pod); ok {
			pods = append(pods, p)
		}
		if o.pod.id != serviceID(o.name) || o.pod.claim != "data-"+o.name || o.pod.cell != "z1" {
			t.Errorf("%s: got id %q, claim %q, cell %q", o.name, o.pod.id, o.pod.claim, o.pod.cell)
		}
	}
	if len(pods) != 3 {
		t.Fatalf("want three pods, got %d", len(pods))
	}
	for _, p := range pods {
		if g := *p.Spec.TerminationGracePeriodSeconds; g != podGrace {
			t.Errorf("want a grace period of %d s, got %d", podGrace, g)
		}
		i := slices.IndexFunc(p.Spec.Containers, func(c corev1.Container) bool { return c.Name == "multipooler" })
		if r := p.Spec.Containers[i].ReadinessProbe; r == nil || r.PeriodSeconds > 10 {
			t.Errorf("want readiness asked for every 10 s at most, got %+v", r)
		}
	}
}
