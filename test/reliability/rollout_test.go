package reliability

import (
	"context"
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
	before, leader := s.pods(), s.cluster.leader(s.T)
	seen, stop := s.observe()
	s.strike(what, func() {
		s.cluster.change(s.T, change)
		for _, f := range then {
			f()
		}
	})
	s.recovered(func(ctx context.Context) error {
		for name, uid := range s.pods() {
			if before[name] == uid {
				return errors.Wrapf(errNotYet, "pod %s is still the same", name)
			}
		}
		return nil
	})
	stop()
	if seen.together > 1 {
		s.Errorf("%d pods were being replaced at the same time", seen.together)
	}
	if n := len(seen.order); n != len(before) || seen.order[n-1] != leader.GetName() {
		s.Errorf("the leader %s was not the last of those that went: %s", leader.GetName(), strings.Join(seen.order, ", "))
	}
	// A slow machine can make anything wait for a moment, so only the longest time is compared.
	longest, began := s.writer.Outage(s.struck, time.Now())
	if began.Add(longest).Before(seen.last) {
		s.Errorf("the longest time without an acknowledged row, %.1f s from %s, was over before the leader's turn at %s",
			longest.Seconds(), began.Format(time.TimeOnly), seen.last.Format(time.TimeOnly))
	}
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
	order    []string
	last     time.Time
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
		for ctx.Err() == nil {
			if pods, err := s.cluster.poolers(ctx); err == nil {
				o.note(first, pods)
			}
			select {
			case <-ctx.Done():
			case <-time.After(250 * time.Millisecond):
			}
		}
	}()
	return o, func() { cancel(); <-done }
}

func (o *observation) note(first map[string]types.UID, pods []corev1.Pod) {
	away := 0
	for name, uid := range first {
		i := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.GetName() == name })
		if i < 0 || !ready(&pods[i]) {
			away++
		}
		gone := i < 0 || pods[i].GetUID() != uid || pods[i].GetDeletionTimestamp() != nil
		if gone && !slices.Contains(o.order, name) {
			o.order, o.last = append(o.order, name), time.Now()
		}
	}
	o.together = max(o.together, away)
}
