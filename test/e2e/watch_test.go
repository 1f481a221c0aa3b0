package e2e

import (
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// events are all that happens to some objects, in the order of the API server.
type events struct {
	mu  sync.Mutex
	all []watch.Event
}

// track watches the objects of a list's kind in a namespace until the test ends. What is there already comes first, as added.
func track(t *testing.T, l client.ObjectList, ns string, only ...client.ListOption) *events {
	t.Helper()

	k, err := client.NewWithWatch(shared.Config(), client.Options{Scheme: shared.Client().Scheme()})
	if err != nil {
		t.Fatal(err)
	}

	w, err := k.Watch(t.Context(), l, append(only, client.InNamespace(ns))...)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(w.Stop)

	e := &events{}

	go func() {
		for event := range w.ResultChan() {
			e.mu.Lock()
			e.all = append(e.all, event)
			e.mu.Unlock()
		}
	}()

	return e
}

// now are the events so far.
func (e *events) now() []watch.Event {
	e.mu.Lock()
	defer e.mu.Unlock()

	return slices.Clone(e.all)
}

// trackPods watches the pods of a cluster's pools.
func trackPods(t *testing.T, ns, cluster string) *events {
	t.Helper()

	return track(t, &corev1.PodList{}, ns, client.MatchingLabels{
		naming.LabelCluster: cluster, naming.LabelComponent: naming.ComponentShardPool,
	})
}

// serves is true for a pod that is ready, in the cohort as those of the platform are then, and stays.
func serves(p *corev1.Pod) bool {
	return p.GetDeletionTimestamp() == nil && slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// oneAtATime fails the test if two pods of a shard were ever away at once that had served before: not there, on their way out,
// or not ready. Pods that are not wanted any more, whose names are not among those at the end, are away only until they are gone. It returns
// the names of the pods that were asked to go, in this order.
func oneAtATime(t *testing.T, e *events) []string {
	t.Helper()

	all := e.now()
	last := map[string]bool{}

	for _, event := range all {
		last[event.Object.(*corev1.Pod).GetName()] = event.Type != watch.Deleted
	}

	var asked []string

	pods, members, asks := map[string]*corev1.Pod{}, map[string]bool{}, map[types.UID]bool{}

	for _, event := range all {
		p, ok := event.Object.(*corev1.Pod)
		if !ok || event.Type == watch.Error {
			t.Fatalf("watch of pods failed: %v", event.Object)
		}

		name := p.GetName()
		pods[name] = p

		if event.Type == watch.Deleted {
			delete(pods, name)
		}

		if serves(p) {
			members[name] = true
		}

		if p.GetDeletionTimestamp() != nil && !asks[p.GetUID()] {
			asks[p.GetUID()] = true
			asked = append(asked, name)
		}

		var away []string

		for member := range members {
			if p := pods[member]; p == nil && last[member] || p != nil && !serves(p) {
				away = append(away, member)
			}
		}

		if len(away) > 1 {
			slices.Sort(away)
			t.Errorf("two pods of a shard should never be away at once: %v, after %s of %s", away, event.Type, name)
		}
	}

	return asked
}
