package reliability

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// TestRollingUpdate changes what every instance may use. Each gets a new pod, one at a time and the leader last; nobody can write at the leader's
// turn only.
func TestRollingUpdate(t *testing.T) {
	s := watch(t, the(t))
	s.roll("rolling update of resources", func(spec *v1alpha1.MultigresClusterSpec) {
		changePool(spec, func(p *v1alpha1.PoolSpec) {
			// A value that it does not have yet, also when the scenario runs again.
			limit := resource.MustParse("512Mi")
			if now, ok := p.Postgres.Resources.Limits[corev1.ResourceMemory]; ok {
				limit = now.DeepCopy()
			}
			limit.Add(resource.MustParse("1Mi"))
			p.Postgres.Resources = corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("256Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: limit},
			}
		})
	})
	s.end()
}

// roll changes the spec, does what else is said at once, and follows the rollout to its end.
func (s *scenario) roll(what string, change func(*v1alpha1.MultigresClusterSpec), then ...func()) {
	s.Helper()
	before := s.pods()
	seen, stop := s.observe()
	s.strike(what, func() {
		s.cluster.change(s.T, change)
		for _, f := range then {
			f()
		}
	})
	s.recovered(func(context.Context) error {
		now := s.pods()
		same := slices.DeleteFunc(slices.Sorted(maps.Keys(now)), func(name string) bool { return before[name] != now[name] })
		if len(same) > 0 {
			return errors.Wrapf(errNotYet, "still the same: %s", strings.Join(same, ", "))
		}
		return nil
	})
	stop()
	if seen.together > 1 {
		s.Errorf("%d pods were being replaced at the same time", seen.together)
	}
	if len(seen.order) != len(before) {
		s.Errorf("%d of %d instances went: %s", len(seen.order), len(before), strings.Join(seen.order, ", "))
	}
	if slices.Contains(seen.order[:len(seen.order)-1], seen.led) {
		s.Errorf("%s went while it led, and others went after it: %s", seen.led, strings.Join(seen.order, ", "))
	}
	longest, began := s.writer.Outage(s.struck, time.Now())
	s.Logf("order %s; the last one's turn was at %s; the longest time without an acknowledged row began at %s and lasted %.1f s",
		strings.Join(seen.order, ", "), seen.last.UTC().Format(time.TimeOnly), began.UTC().Format(time.TimeOnly), longest.Seconds())
}

// pods are the UIDs of the poolers' pods, by name.
func (s *scenario) pods() map[string]types.UID {
	s.Helper()
	out := map[string]types.UID{}
	pods, err := s.cluster.poolers(s.Context())
	if err != nil {
		s.Logf("cannot list pods: %v", err)
		return out
	}
	for _, p := range pods {
		out[p.GetName()] = p.GetUID()
	}
	return out
}

// An observation of pods that go.
type observation struct {
	// order in which they went, and when the last one did.
	order []string
	last  time.Time

	// led is who led when it went. A machine that is too slow can make others elect somebody else meanwhile; then nobody did.
	led string

	// together is how many were away at the same time.
	together int
}

// observe notes the order in which pods go, and how many are away at once, until it is stopped.
func (s *scenario) observe() (o *observation, stop func()) {
	s.Helper()
	o = &observation{}
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan struct{})
	first := s.pods()
	go func() {
		defer close(done)
		leader := ""
		for ctx.Err() == nil {
			if pods, err := s.cluster.poolers(ctx); err == nil {
				o.note(first, pods, leader)
			}
			if r, err := s.cluster.record(ctx); err == nil {
				leader = r.Status.AtProvider.LeaderPod
			}
			select {
			case <-ctx.Done():
			case <-time.After(250 * time.Millisecond):
			}
		}
	}()
	return o, func() { cancel(); <-done }
}

// note takes the pods that there are, and who led a moment before.
func (o *observation) note(first map[string]types.UID, pods []corev1.Pod, leader string) {
	away := 0
	for name, uid := range first {
		i := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.GetName() == name })
		if i < 0 || !ready(&pods[i]) {
			away++
		}
		gone := i < 0 || pods[i].GetUID() != uid || pods[i].GetDeletionTimestamp() != nil
		if gone && !slices.Contains(o.order, name) {
			o.order, o.last = append(o.order, name), time.Now()
			if name == leader {
				o.led = name
			}
		}
	}
	o.together = max(o.together, away)
}
