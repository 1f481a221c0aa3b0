package topology

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// How long a server rests that did not even let a store be opened, which takes an answer if there is a password: longer each time
// in a row. One that is open probes its server itself.
const (
	minOpenRest = time.Second
	maxOpenRest = 8 * time.Second
)

// An outage is what is known of a server that answers nothing.
type outage struct {
	// since and last are when it was found out first and last.
	since, last time.Time

	// failed is why no store could be opened, which is tried again at a time and rests longer each time.
	failed error
	again  time.Time
	rest   time.Duration
}

// refuses reports whether a store need not be opened, because that has just failed or somebody else is trying.
func (o *outage) refuses(now time.Time, tried bool) bool {
	return o != nil && o.failed != nil && (tried || now.Before(o.again))
}

// note whether the server of an entry answers. Who waits for one that does again is woken.
func (p *pool) note(e *entry, err error) {
	if errors.Is(err, context.Canceled) {
		// Nobody waited for the answer.
		return
	}
	p.mu.Lock()
	if p.entries[e.key] != e {
		// It is being closed, and another one tells the truth.
		p.mu.Unlock()
		return
	}
	o, down := p.down[e.key], errors.Is(err, topo.ErrUnavailable)
	now := p.now()
	switch {
	case !down:
		delete(p.down, e.key)
	case o == nil:
		p.down[e.key] = &outage{since: now, last: now}
	default:
		if now.Sub(o.last) > GiveUpAfter {
			// Nobody knows what it did meanwhile.
			o.since = now
		}
		o.last = now
	}
	p.mu.Unlock()
	if o != nil && !down {
		p.awaken(e, "")
	}
}

// failed takes note that the store of an entry could not be opened because its server does not answer.
func (p *pool) failed(e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.down[e.key]
	if o == nil {
		return
	}
	o.failed = e.err
	o.rest = min(max(2*o.rest, minOpenRest), maxOpenRest)
	o.again = p.now().Add(o.rest)
}

// silent is how long the server of a configuration has answered nothing, although it was asked.
func (p *pool) silent(cfg topo.Config) time.Duration {
	key, err := keyOf(cfg)
	if err != nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	o, found := p.down[key]
	if !found {
		return 0
	}
	return p.now().Sub(o.since)
}
