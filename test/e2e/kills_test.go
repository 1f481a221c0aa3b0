package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/test/crossplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

const (
	// envKills is how many seeds are run, envSeed the first.
	envKills = "E2E_KILLS"
	envSeed  = "E2E_SEED"

	// strikes of each seed.
	strikes = 4

	// longest time that something is paused, or between two strikes.
	longest = 2 * time.Second
)

// victim is something that can be struck.
type victim struct {
	name   string
	strike func(*testing.T, *rand.Rand)
}

// victims are all processes on which a cluster depends.
func victims(ns, cluster string) []victim {
	restart := func(p *process.Process, ready func(context.Context) error) func(*testing.T, *rand.Rand) {
		return func(t *testing.T, _ *rand.Rand) {
			t.Helper()

			if err := p.Restart(); err != nil {
				t.Fatal(err)
			}
			if err := ready(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	pause := func(find func(*testing.T) *process.Process) func(*testing.T, *rand.Rand) {
		return func(t *testing.T, r *rand.Rand) {
			t.Helper()

			if p := find(t); p != nil {
				p.Pause()
				defer p.Resume()
				time.Sleep(time.Duration(r.Int64N(int64(longest))))
			}
		}
	}
	program := func(name string) func(*testing.T) *process.Process {
		return func(t *testing.T) *process.Process {
			t.Helper()

			return packageProcess(t, name)
		}
	}
	kill := func(name string) func(*testing.T, *rand.Rand) {
		return func(t *testing.T, _ *rand.Rand) {
			t.Helper()

			// The kubelet starts it again.
			if p := packageProcess(t, name); p != nil {
				p.Kill()
			}
		}
	}
	nothing := func(context.Context) error { return nil }

	return []victim{
		{"core killed", restart(shared.Crossplane.Core(), shared.Crossplane.Ready)},
		{"core paused, webhooks with it", pause(func(*testing.T) *process.Process { return shared.Crossplane.Core() })},
		{"RBAC manager killed", restart(shared.Crossplane.RBACManager(), nothing)},
		{"API server killed", restart(shared.APIServer(), shared.Ready)},
		{"etcd killed", restart(shared.Etcd(), shared.Ready)},
		{"controller manager killed", restart(shared.ControllerManager(), nothing)},
		{"function killed", kill("function-multigres")},
		{"function paused", pause(program("function-multigres"))},
		{"provider killed", kill("provider-multigres")},
		{"provider paused", pause(program("provider-multigres"))},
		{"topology server paused", pause(func(*testing.T) *process.Process {
			if s := shared.DataPlane.Topology(ns, cluster+"-global-topo"); s != nil {
				return s.Process
			}

			return nil
		})},
		{"function slow", func(_ *testing.T, r *rand.Rand) {
			shared.Kubelet.Network.Delay(func(host string) time.Duration {
				if strings.Contains(host, "function-multigres") {
					return 200 * time.Millisecond
				}

				return 0
			})
			defer shared.Kubelet.Network.Delay(nil)
			time.Sleep(time.Duration(r.Int64N(int64(longest))))
		}},
	}
}

// packageProcess is the process of one of a package's pods, nil if none runs now.
func packageProcess(t *testing.T, name string) *process.Process {
	t.Helper()

	pods := &corev1.PodList{}
	if err := shared.Client().List(t.Context(), pods, client.InNamespace(crossplane.Namespace), client.MatchingLabels{"app.kubernetes.io/name": name}); err != nil {
		t.Fatal(err)
	}

	for i := range pods.Items {
		if c := shared.Kubelet.Container(pods.Items[i].GetUID()); c != nil && c.Process != nil {
			return c.Process
		}
	}

	return nil
}

// keys are the topology's records of a cluster, without those of fencing.
func keys(t *testing.T, ns, cluster string) []string {
	t.Helper()

	e, err := clientv3.New(clientv3.Config{Endpoints: []string{shared.DataPlane.Topology(ns, cluster+"-global-topo").Address}, DialTimeout: converge})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()

	ctx, cancel := context.WithTimeout(t.Context(), converge)
	defer cancel()

	res, err := e.Get(ctx, "/multigres/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatal(err)
	}

	var all []string
	for _, kv := range res.Kvs {
		if !strings.Contains(string(kv.Key), "/crossplane/") {
			all = append(all, string(kv.Key))
		}
	}

	return all
}

// poolers are the UIDs of a cluster's pool pods.
func poolers(t *testing.T, ns, cluster string) map[string]types.UID {
	t.Helper()

	pods := &corev1.PodList{}
	component(t, pods, ns, cluster, naming.ComponentShardPool)

	m := map[string]types.UID{}
	for _, p := range pods.Items {
		m[p.GetName()] = p.GetUID()
	}

	return m
}

// TestKills strikes everything on which clusters depend, at random, while a
// cluster is made and another is changed: both become what is wanted, no pod of a
// pool is replaced, no volume is lost, no record is doubled.
func TestKills(t *testing.T) {
	shown := scenario(t)
	seeds := setting(t, envKills, 5, strconv.Atoi)
	first := setting(t, envSeed, 1, strconv.Atoi)

	ns, k := namespace(t), shared.Client()
	c := minimal(ns, "struck")
	create(t, k, c)
	ready(t, c)

	pods, volumes, records := poolers(t, ns, "struck"), claims(t, ns), keys(t, ns, "struck")
	struck := map[string]int{}

	for seed := first; seed < first+seeds; seed++ {
		// The same seed makes the same story.
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		story := []string{}

		other := minimal(ns, fmt.Sprintf("seed-%d", seed), func(c *v1alpha1.MultigresCluster) {
			c.Spec.PVCDeletionPolicy = &v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCDelete, WhenScaled: v1alpha1.PVCDelete}
		})
		create(t, k, other)

		replicas := int32(1 + r.IntN(3))
		scale(t, c, replicas)

		all := victims(ns, "struck")
		for range strikes {
			v := all[r.IntN(len(all))]
			story = append(story, v.name)
			struck[v.name]++
			v.strike(t, r)
			time.Sleep(time.Duration(r.Int64N(int64(longest))))
		}

		t.Logf("seed %d: %s", seed, strings.Join(story, ", "))

		gateways(t, c, replicas)
		ready(t, c)
		ready(t, other)

		for name, uid := range poolers(t, ns, "struck") {
			if pods[name] != uid {
				t.Errorf("seed %d: pod %s should be the one of before", seed, name)
			}
		}

		now := claims(t, ns)
		for name, uid := range volumes {
			if now[name] != uid {
				t.Errorf("seed %d: volume claim %s should be the one of before", seed, name)
			}
		}

		if got := keys(t, ns, "struck"); len(got) != len(records) {
			t.Errorf("seed %d: there should be %d records, not %d: %v, were %v", seed, len(records), len(got), got, records)
		}

		if err := k.Delete(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		gone(t, other)

		if t.Failed() {
			t.Fatalf("to see this again: %s=1 %s=%d", envKills, envSeed, seed)
		}
	}

	shown("%d seeds, %d strikes of %d kinds, no pool pod, volume or record changed", seeds, seeds*strikes, len(struck))
}

// scale sets the number of gateways, again if somebody else wrote in between.
func scale(t *testing.T, c *v1alpha1.MultigresCluster, replicas int32) {
	t.Helper()

	eventually(t, "number of gateways is set", func(ctx context.Context) error {
		if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(c), c); err != nil {
			return err
		}

		edit := client.MergeFrom(c.DeepCopy())
		c.Spec.Cells[0].Spec = &v1alpha1.CellInlineSpec{Multigateway: &v1alpha1.MultigatewaySpec{StatelessSpec: v1alpha1.StatelessSpec{Replicas: ptr.To(replicas)}}}

		return errors.Wrap(shared.Client().Patch(ctx, c, edit), "cannot patch")
	})
}
