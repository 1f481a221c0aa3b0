package e2e

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

// longest time for which something does not answer or is down, and half of that
// between two strikes of a cluster.
const longest = 4 * time.Second

// struck is held for reading while something is struck, and for writing by who
// needs an API server that answers. Many strikes may fall at once.
var struck sync.RWMutex

// held are the mutexes of what can be struck: nobody strikes what is struck already.
var held sync.Map

// hold waits until nobody else strikes something, and returns what lets go of it.
func hold(what any) (release func()) {
	mu, _ := held.LoadOrStore(what, &sync.Mutex{})
	mu.(*sync.Mutex).Lock()

	return mu.(*sync.Mutex).Unlock
}

// strike does one of the things that can happen to everything on which a cluster
// depends, and returns what it did.
func strike(t *testing.T, r *rand.Rand, ns, cluster string) string {
	t.Helper()

	// What is drawn does not depend on what others draw.
	all := victims(ns, cluster)
	v, length := all[r.IntN(len(all))], time.Duration(r.Int64N(int64(longest)))
	wait := time.Duration(r.Int64N(int64(longest / 2)))

	func() {
		struck.RLock()
		defer struck.RUnlock()

		v.strike(t, length)
	}()

	select {
	case <-time.After(wait):
	case <-t.Context().Done():
	}

	return v.name
}

// revive starts programs again that have ended because another was struck, as
// kubelets do, until the context ends.
func revive(ctx context.Context, all ...*process.Process) {
	const look = 500 * time.Millisecond

	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(look):
		}

		for _, p := range all {
			release := hold(p)

			select {
			case <-p.Exited():
				// If it fails it is tried again.
				_ = p.Start()
			default:
			}

			release()
		}
	}
}

// calm runs something while nothing is struck.
func calm(f func()) {
	struck.Lock()
	defer struck.Unlock()

	f()
}

// victim is something that can be struck, for some time.
type victim struct {
	name   string
	strike func(*testing.T, time.Duration)
}

// victims are all on which a cluster depends.
func victims(ns, cluster string) []victim {
	function, provider := "function-multigres", "provider-multigres"
	core, api, etcd := shared.Crossplane.Core(), shared.APIServer(), shared.Etcd()

	return []victim{
		{"core killed", atOnce(down(core, shared.Crossplane.Ready))},
		{"core and its webhooks down", down(core, shared.Crossplane.Ready)},
		{"core and its webhooks paused", pause(func(*testing.T) []*process.Process { return []*process.Process{core} })},
		{"RBAC manager killed", atOnce(down(shared.Crossplane.RBACManager(), nil))},
		{"API server restarted", atOnce(down(api, shared.Ready))},
		{"API server down", down(api, shared.Ready)},
		{"API server paused", pause(func(*testing.T) []*process.Process { return []*process.Process{api} })},
		{"etcd restarted", atOnce(down(etcd, shared.Ready))},
		{"etcd down", down(etcd, shared.Ready)},
		{"etcd paused", pause(func(*testing.T) []*process.Process { return []*process.Process{etcd} })},
		{"controller manager killed", atOnce(down(shared.ControllerManager(), nil))},
		{"function killed", kill(function)},
		{"function paused", pause(programs(function))},
		{"function slow", slow(function)},
		{"provider killed", kill(provider)},
		{"provider paused", pause(programs(provider))},
		{"topology server paused", pause(func(*testing.T) []*process.Process {
			if s := shared.DataPlane.Topology(ns, cluster+"-global-topo"); s != nil {
				return []*process.Process{s.Process}
			}

			return nil
		})},
	}
}

// down kills a process and starts it again after some time.
func down(p *process.Process, ready func(context.Context) error) func(*testing.T, time.Duration) {
	return func(t *testing.T, d time.Duration) {
		t.Helper()

		defer hold(p)()

		p.Kill()
		time.Sleep(d)

		// It ends again while that is struck on which it depends.
		controlplane.Eventually(t, recovery, p.Name()+" comes back", func(ctx context.Context) error {
			select {
			case <-p.Exited():
				if err := p.Start(); err != nil {
					return err
				}
			default:
			}

			if ready == nil {
				return nil
			}

			return ready(ctx)
		})
	}
}

// atOnce strikes for no time.
func atOnce(strike func(*testing.T, time.Duration)) func(*testing.T, time.Duration) {
	return func(t *testing.T, _ time.Duration) {
		t.Helper()
		strike(t, 0)
	}
}

// pause keeps processes from answering for some time.
func pause(find func(*testing.T) []*process.Process) func(*testing.T, time.Duration) {
	return func(t *testing.T, d time.Duration) {
		t.Helper()

		for _, p := range find(t) {
			defer hold(p)()

			p.Pause()
			defer p.Resume()
		}

		time.Sleep(d)
	}
}

// kill ends all processes of a package; the kubelet starts them again.
func kill(name string) func(*testing.T, time.Duration) {
	return func(t *testing.T, _ time.Duration) {
		t.Helper()

		for _, p := range programs(name)(t) {
			p.Kill()
		}
	}
}

// slow delays all that a package's pods say for some time.
func slow(name string) func(*testing.T, time.Duration) {
	const delay = 200 * time.Millisecond

	return func(_ *testing.T, d time.Duration) {
		defer hold(name)()

		shared.Kubelet.Network.Delay(func(host string) time.Duration {
			if strings.Contains(host, name) {
				return delay
			}

			return 0
		})
		defer shared.Kubelet.Network.Delay(nil)

		time.Sleep(d)
	}
}

// programs finds the processes of a package's pods, always in the same order.
func programs(name string) func(*testing.T) []*process.Process {
	return func(*testing.T) []*process.Process {
		var all []*process.Process

		for _, c := range shared.Kubelet.Containers() {
			if c.Process != nil && strings.Contains(c.Process.Name(), name) {
				all = append(all, c.Process)
			}
		}

		slices.SortFunc(all, func(a, b *process.Process) int { return cmp.Or(strings.Compare(a.Name(), b.Name()), a.PID()-b.PID()) })

		return all
	}
}
