package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
)

const (
	// envKills is how many seeds are run, envSeed the first.
	envKills = "E2E_KILLS"
	envSeed  = "E2E_SEED"

	// Strikes while a cluster is made, while it is changed, and while it is deleted.
	strikesMade, strikesChanged, strikesDeleted = 1, 3, 1

	// recovery bounds what takes seconds when nothing is struck. Other seeds go on
	// striking meanwhile.
	recovery = 3 * converge

	// before and after the change, in some seeds.
	few, many = 3, 4
)

// play is one seed: a cluster that is made, changed and deleted while everything
// on which it depends is struck.
type play struct {
	*testing.T

	r     *rand.Rand
	c     *v1alpha1.MultigresCluster
	story []string
}

// change is what happens to a cluster.
type change struct {
	name string

	// Pods that the pool has before and after.
	from, to int32

	// edit of what is wanted.
	edit func(*v1alpha1.MultigresCluster)

	// done is nil when the rest of the cluster is as it is wanted.
	done func(context.Context, *v1alpha1.MultigresCluster) error

	// How many pods of the pool may be made and deleted for it.
	made, deleted int

	// again is true if the cluster is deleted, its volumes kept, and made again.
	again bool
}

// changes are all of them.
func changes() []change {
	nothing := func(context.Context, *v1alpha1.MultigresCluster) error { return nil }
	memory := resource.MustParse("300Mi")

	return []change{
		{"gateways 1 to 3", few, few, func(c *v1alpha1.MultigresCluster) {
			c.Spec.Cells[0].Spec = &v1alpha1.CellInlineSpec{Multigateway: &v1alpha1.MultigatewaySpec{StatelessSpec: v1alpha1.StatelessSpec{Replicas: ptr.To[int32](few)}}}
		}, gatewaysAre(few), 0, 0, false},
		{"pool 3 to 4", few, many, func(c *v1alpha1.MultigresCluster) { pooled(c, many, nil) }, nothing, many - few, 0, false},
		{"pool 4 to 3", many, few, func(c *v1alpha1.MultigresCluster) { pooled(c, few, nil) }, nothing, 0, many - few, false},
		{"all pods replaced", few, few, func(c *v1alpha1.MultigresCluster) { pooled(c, few, &memory) }, podsHave(memory), few, few, false},
		{"deleted and made again", few, few, nil, nothing, few, few, true},
	}
}

// pooled says how many pods a cluster's only pool has, and how much memory each.
func pooled(c *v1alpha1.MultigresCluster, n int32, memory *resource.Quantity) {
	p := v1alpha1.PoolSpec{ReplicasPerCell: &n}
	if memory != nil {
		p.Postgres.Resources = corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceMemory: *memory}, Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("600Mi")},
		}
	}

	withPool(c, p)
}

func gatewaysAre(want int32) func(context.Context, *v1alpha1.MultigresCluster) error {
	return func(ctx context.Context, c *v1alpha1.MultigresCluster) error {
		l := &appsv1.DeploymentList{}
		if err := shared.Client().List(ctx, l, client.InNamespace(c.GetNamespace()), client.MatchingLabels{naming.LabelComponent: naming.ComponentMultiGateway}); err != nil {
			return err
		}

		if len(l.Items) != 1 || ptr.Deref(l.Items[0].Spec.Replicas, 1) != want || l.Items[0].Status.ReadyReplicas != want {
			return errors.Wrapf(errNotYet, "%d deployments, want %d gateways", len(l.Items), want)
		}

		return nil
	}
}

func podsHave(memory resource.Quantity) func(context.Context, *v1alpha1.MultigresCluster) error {
	return func(ctx context.Context, c *v1alpha1.MultigresCluster) error {
		pods, err := poolPods(ctx, c)
		if err != nil {
			return err
		}

		for _, p := range pods {
			if !slices.ContainsFunc(slices.Concat(p.Spec.InitContainers, p.Spec.Containers), func(c corev1.Container) bool {
				return c.Resources.Requests.Memory().Equal(memory)
			}) {
				return errors.Wrapf(errNotYet, "%s is an old one", p.GetName())
			}
		}

		return nil
	}
}

// TestKills strikes everything on which clusters depend, at random, while some are
// made, changed and deleted: all become what is wanted, no pod of a pool is
// replaced without a reason, no volume is lost, no record is lost or doubled.
// The strikes of one seed hit the others, too.
func TestKills(t *testing.T) {
	seeds := setting(t, envKills, 5, strconv.Atoi)
	first := setting(t, envSeed, 1, strconv.Atoi)

	// The test's context ends when its seeds have.
	go revive(t.Context(), shared.ControllerManager(), shared.Scheduler(), shared.Crossplane.Core(), shared.Crossplane.RBACManager())

	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
			t.Parallel()

			// The same seed makes the same story. Every kind of change comes in turn.
			all := changes()
			p := &play{T: t, r: rand.New(rand.NewPCG(uint64(seed), 0))}

			defer func() {
				if t.Failed() {
					t.Logf("the story: %s; to see it again: %s=1 %s=%d", strings.Join(p.story, ", "), envKills, envSeed, seed)
				}
			}()

			p.run(all[seed%len(all)])
		})
	}
}

func (p *play) run(ch change) {
	p.Helper()

	shown := scenario(p.T)
	ns := p.namespace()

	fresh := func() *v1alpha1.MultigresCluster {
		return minimal(ns, "struck", func(c *v1alpha1.MultigresCluster) { pooled(c, ch.from, nil) })
	}

	p.c = fresh()
	p.make()
	p.strikes("made", strikesMade)
	p.becomes(ch.from, func(context.Context, *v1alpha1.MultigresCluster) error { return nil })

	var (
		pods, volumes map[string]types.UID
		records       []string
		begin         time.Time
	)

	calm(func() {
		pods, volumes, records, begin = poolers(p.T, ns, p.c.GetName()), claims(p.T, ns), p.records(), time.Now()
	})

	if ch.again {
		p.delete()
		p.strikes("deleted", strikesChanged/2)
		p.gone()

		p.c = fresh()
		p.make()
		p.strikes("made again", strikesChanged-strikesChanged/2)
	} else {
		p.edit(ch.edit)
		p.strikes(ch.name, strikesChanged)
	}

	p.becomes(ch.to, ch.done)

	changed := time.Since(begin)

	calm(func() {
		p.compare(ch, pods, poolers(p.T, ns, p.c.GetName()), begin)
		p.lost("volume claim", volumes, claims(p.T, ns))

		now := p.records()
		if ch.again {
			records, now = lasting(records), lasting(now)
		}

		if !slices.Equal(records, now) {
			p.Errorf("records should be those of before: %v, were %v", now, records)
		}
	})

	p.delete()
	p.strikes("deleted", strikesDeleted)
	p.gone()

	shown("%s in %.0f s; %s", ch.name, changed.Seconds(), strings.Join(p.story, ", "))
}

// namespace makes a namespace, and keeps or deletes what is in it while nothing is struck.
func (p *play) namespace() string {
	p.Helper()
	p.Cleanup(struck.Unlock)

	var ns string

	calm(func() { ns = namespace(p.T) })
	p.Cleanup(struck.Lock)

	return ns
}

// eventually waits until something holds, for as long as it may take while others strike.
func (p *play) eventually(what string, ok func(context.Context) error) {
	p.Helper()
	controlplane.Eventually(p, recovery, what, ok)
}

func (p *play) strikes(when string, n int) {
	p.Helper()

	for range n {
		begin := time.Now()
		what := strike(p.T, p.r, p.c.GetNamespace(), p.c.GetName())
		p.story = append(p.story, fmt.Sprintf("%s: %s (%.0f s)", when, what, time.Since(begin).Seconds()))
	}
}

func (p *play) make() {
	p.Helper()
	p.eventually("cluster is made", func(ctx context.Context) error {
		o := p.c.DeepCopy()

		// An answer may be lost.
		if err := shared.Client().Create(ctx, o); client.IgnoreAlreadyExists(err) != nil {
			return err
		}

		return nil
	})
}

func (p *play) edit(f func(*v1alpha1.MultigresCluster)) {
	p.Helper()
	p.eventually("cluster is edited", func(ctx context.Context) error {
		if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(p.c), p.c); err != nil {
			return err
		}

		before := client.MergeFrom(p.c.DeepCopy())
		f(p.c)

		return shared.Client().Patch(ctx, p.c, before)
	})
}

func (p *play) delete() {
	p.Helper()
	p.eventually("cluster is deleted", func(ctx context.Context) error {
		return client.IgnoreNotFound(shared.Client().Delete(ctx, p.c))
	})
}

// gone waits until nothing is left but what is kept: volumes, and the password.
func (p *play) gone() {
	p.Helper()
	p.eventually("cluster is gone", func(ctx context.Context) error {
		var left []string

		for _, gvk := range kinds {
			l := &metav1.PartialObjectMetadataList{}
			l.SetGroupVersionKind(gvk)

			if err := shared.Client().List(ctx, l, client.InNamespace(p.c.GetNamespace())); err != nil {
				return err
			}

			for _, o := range l.Items {
				kept := gvk.Kind == "PersistentVolumeClaim" || o.GetName() == "kube-root-ca.crt" || o.GetName() == naming.PostgresPasswordSecret(p.c.GetName())
				if !kept {
					left = append(left, gvk.Kind+" "+o.GetName())
				}
			}
		}

		if len(left) > 0 {
			return errors.Wrapf(errNotYet, "left: %v", left)
		}

		return nil
	})
}

// becomes waits until the cluster is ready, has that many poolers, each of them registered once, and is as it should be.
func (p *play) becomes(want int32, done func(context.Context, *v1alpha1.MultigresCluster) error) {
	p.Helper()
	p.eventually("cluster is as it should be", func(ctx context.Context) error {
		if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(p.c), p.c); err != nil {
			return err
		}

		if p.c.Status.GetCondition("Ready").Status != corev1.ConditionTrue {
			return errors.Wrapf(errNotYet, "%s %s", p.c.Status.Phase, p.c.Status.Message)
		}

		pods, err := poolPods(ctx, p.c)
		if err != nil {
			return err
		}

		ids := map[string]bool{}

		for _, pod := range pods {
			if !serves(&pod) {
				return errors.Wrapf(errNotYet, "%s is not ready", pod.GetName())
			}

			ids[naming.ServiceID(pod.GetName())] = true
		}

		if len(pods) != int(want) {
			return errors.Wrapf(errNotYet, "%d pods, want %d", len(pods), want)
		}

		all, err := topologyKeys(ctx, p.c.GetNamespace(), p.c.GetName())
		if err != nil {
			return err
		}

		if got := poolersOf(all); len(got) != len(ids) || slices.ContainsFunc(got, func(key string) bool {
			return !slices.ContainsFunc(slices.Collect(maps.Keys(ids)), func(id string) bool { return strings.Contains(key, id) })
		}) {
			return errors.Wrapf(errNotYet, "registered %v, want %v", got, slices.Sorted(maps.Keys(ids)))
		}

		return done(ctx, p.c)
	})
}

// records are the topology's records that are no poolers'.
func (p *play) records() []string {
	p.Helper()

	ctx, cancel := context.WithTimeout(p.Context(), converge)
	defer cancel()

	all, err := topologyKeys(ctx, p.c.GetNamespace(), p.c.GetName())
	if err != nil {
		p.Fatal(err)
	}

	return slices.DeleteFunc(all, func(key string) bool { return slices.Contains(poolersOf(all), key) })
}

// lost fails the test if something is not there any more, or another one.
func (p *play) lost(what string, before, now map[string]types.UID) {
	p.Helper()

	for name, uid := range before {
		if now[name] != uid {
			p.Errorf("%s %s should be the one of before: %q, was %q", what, name, now[name], uid)
		}
	}
}

// compare fails the test if a pod of the pool was made or deleted without a reason.
func (p *play) compare(ch change, before, now map[string]types.UID, begin time.Time) {
	p.Helper()

	same := 0

	for name, uid := range before {
		if now[name] == uid {
			same++
		}
	}

	if want := int(ch.from) - ch.deleted; same != want {
		p.Errorf("%d pods should be the ones of before, not %d: %v, were %v", want, same, now, before)
	}

	made, deleted := 0, map[string]int{}

	for _, r := range writes(p.T, begin, time.Now(), p.c.GetNamespace()) {
		if r.ObjectRef.Resource != "pods" || r.ObjectRef.Subresource != "" || who(r.User.Username) != "crossplane" || !strings.Contains(r.ObjectRef.Name, "-pool-") {
			continue
		}

		switch {
		case r.ResponseStatus.Code == 201:
			made++
		case r.Verb == "delete" && r.ResponseStatus.Code == 200:
			// Who asks again asks for nothing else.
			deleted[r.ObjectRef.Name] = 1
		}
	}

	if made > ch.made || len(deleted) > ch.deleted {
		p.Errorf("at most %d pods should have been made and %d deleted, not %d and %v", ch.made, ch.deleted, made, deleted)
	}
}
