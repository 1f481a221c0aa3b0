package topo

import (
	"context"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// How long a store rests between two probes of a server that does not answer:
// longer each time in a row.
const (
	minProbeRest = 100 * time.Millisecond
	maxProbeRest = 2 * time.Second
)

// errSilent is the cause of calls that were not sent.
var errSilent = errors.New("it did not answer when it was asked last, and is being probed")

// A circuit keeps calls off a server that does not answer, so that nobody waits
// in vain. It opens when a call got no answer although there was time for one,
// and no other call got one meanwhile. While it is open calls fail at once as
// ErrUnavailable; any answer closes it. It is closed at first.
type circuit struct {
	mu       sync.Mutex
	open     bool
	answered time.Time
}

// refuses is why a call must not be sent, or nil.
func (c *circuit) refuses() error {
	c.mu.Lock()
	defer c.mu.Unlock()

	if c.open {
		return &classified{class: ErrUnavailable, cause: errSilent}
	}

	return nil
}

// heard takes note of how a call ended that began at a time. It reports whether
// that opened the circuit.
func (c *circuit) heard(began, now time.Time, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()

	if !errors.Is(err, ErrUnavailable) {
		c.open, c.answered = false, now

		return false
	}

	if c.open || c.answered.After(began) {
		return false
	}

	c.open = true

	return true
}

// probe asks a server that does not answer until it does, or until the store is
// closed. Each probe has the deadline of a call, which a slow server may need.
func (s *Store) probe() {
	closed := s.client.Ctx()

	for rest := minProbeRest; s.circuit.refuses() != nil; rest = min(2*rest, maxProbeRest) {
		select {
		case <-closed.Done():
			return
		case <-time.After(rest):
		}

		// How it ended has been taken note of.
		_ = s.ask(closed, func(ctx context.Context) error {
			_, err := s.client.Get(ctx, s.fenceKey(), clientv3.WithCountOnly())

			return err
		})
	}
}
