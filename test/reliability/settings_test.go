package reliability

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// TestSettingRestart changes a setting that PostgreSQL reads at its start only.
func TestSettingRestart(t *testing.T) {
	s := watch(t, the(t))
	var want string
	s.roll("setting that needs a restart", func(spec *v1alpha1.MultigresClusterSpec) {
		want = raise(shard(spec), "max_locks_per_transaction", 128)
	})
	s.inForce("max_locks_per_transaction", want)
	s.end()
}

// TestSettingReload changes a setting that a reload puts in force: no pod goes and nobody waits.
func TestSettingReload(t *testing.T) {
	s := watch(t, the(t))
	before := s.pods()
	var want string
	s.strike("setting that a reload applies", func() {
		s.cluster.change(t, func(spec *v1alpha1.MultigresClusterSpec) { want = raise(shard(spec), "vacuum_cost_limit", 300) })
	})
	s.recovered(func(ctx context.Context) error { return s.has(ctx, "vacuum_cost_limit", want) })
	if diff := cmp.Diff(before, s.pods()); diff != "" {
		t.Errorf("pods are not what they were: -want, +got:\n%s", diff)
	}
	s.end()
}

// raise gives a setting a value that it does not have yet, also when a scenario runs again.
func raise(s *v1alpha1.ShardInlineSpec, name string, first int) string {
	value := first
	if now, err := strconv.Atoi(s.PostgresConfig[name]); err == nil {
		value = now + 1
	}
	if s.PostgresConfig == nil {
		s.PostgresConfig = v1alpha1.PostgresConfig{}
	}
	s.PostgresConfig[name] = strconv.Itoa(value)
	return s.PostgresConfig[name]
}

// inForce waits until the leader has a value for a setting.
func (s *scenario) inForce(name, want string) {
	s.Helper()
	eventually(s.T, name+" is in force", func(ctx context.Context) error { return s.has(ctx, name, want) })
}

func (s *scenario) has(ctx context.Context, name, want string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var got string
	if err := s.cluster.query(ctx, "select setting from pg_settings where name = '"+name+"'", &got); err != nil {
		return err
	}
	if got != want {
		return errors.Wrapf(errNotYet, "%s is %s, want %s", name, got, want)
	}
	return nil
}

// TestImage changes PostgreSQL's image to one that is the same under another name, then to one that does not exist: the rollout stops after one
// pod, for as long as it takes, and the old image finishes it.
func TestImage(t *testing.T) {
	s := watch(t, the(t))
	mgc, err := s.cluster.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	images := []v1alpha1.ImageRef{"ghcr.io/multigres/pgctld:v0.1.0", "ghcr.io/multigres/pgctld:v0.1.0-again"}
	if mgc.Spec.Images.Postgres == images[1] {
		slices.Reverse(images)
	}
	set := func(i v1alpha1.ImageRef) func(*v1alpha1.MultigresClusterSpec) {
		return func(spec *v1alpha1.MultigresClusterSpec) { spec.Images.Postgres = i }
	}
	s.roll("rolling update of the image", set(images[1]))

	before := s.pods()
	s.strike("image that does not exist", func() { s.cluster.change(t, set("ghcr.io/multigres/pgctld:none")) })
	s.resumed(func(ctx context.Context) error { return s.stopped(ctx, before) })
	s.strike("previous image again", func() { s.cluster.change(t, set(images[1])) })
	s.recovered()
	s.end()
}

// stopped waits until a rollout has stood for a while with one pod that does not come up.
func (s *scenario) stopped(ctx context.Context, before map[string]types.UID) error {
	pods, err := s.cluster.poolers(ctx)
	if err != nil {
		return err
	}
	var changed []corev1.Pod
	for _, p := range pods {
		if p.GetUID() != before[p.GetName()] {
			changed = append(changed, p)
		}
	}
	if len(changed) > 1 {
		s.Fatalf("%d pods have the image that does not exist", len(changed))
	}
	if len(changed) == 0 || time.Since(changed[0].GetCreationTimestamp().Time) < 45*time.Second {
		return errors.Wrap(errNotYet, "no pod has stood for long enough")
	}
	return nil
}
