package topology

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"

	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/metrics"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// A pool holds the open stores. Managed resources that need equal connections share one. A store stays open for as long as any
// of them was last reconciled with it, and for as long as a reconcile is using it: it is never closed under anybody's feet.
type pool struct {
	open    func(topo.Config) (*topo.Store, error)
	wake    func(user)
	metrics *metrics.Metrics
	now     func() time.Time

	mu      sync.Mutex
	entries map[string]*entry
	// down are the servers that answer nothing, by the keys of stores.
	down map[string]*outage
}

// An entry is a store that is open, or being opened.
type entry struct {
	key string

	// opened is closed when store and err are set.
	opened chan struct{}
	store  *topo.Store
	err    error
	watch  *watch

	// users were last reconciled with the store. borrowed counts reconciles that are using it.
	users    map[user]map[topo.Path]bool
	borrowed int
}

func newPool(wake func(user), m *metrics.Metrics) *pool {
	return &pool{open: topo.Open, wake: wake, metrics: m, now: time.Now, entries: map[string]*entry{}, down: map[string]*outage{}}
}

// keyOf is equal for configurations that make equal connections.
func keyOf(cfg topo.Config) (string, error) {
	t := topo.TLS{}
	if cfg.TLS != nil {
		t = *cfg.TLS
	}
	b, err := json.Marshal([]any{slices.Sorted(slices.Values(cfg.Endpoints)), cfg.Root, cfg.Identity, cfg.TLS != nil, t.CA, t.Cert, t.Key, t.ServerName, cfg.Username, cfg.Password})
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), errors.Wrap(err, "cannot encode configuration of topology")
}

// borrow a store for a reconcile. It must be given back.
func (p *pool) borrow(cfg topo.Config) (*entry, error) {
	key, err := keyOf(cfg)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	e, found := p.entries[key]
	if o := p.down[key]; o.refuses(p.now(), found && e.opening()) {
		p.mu.Unlock()
		return nil, o.failed
	}
	if !found {
		e = &entry{key: key, opened: make(chan struct{}), users: map[user]map[topo.Path]bool{}}
		p.entries[key] = e
	}
	e.borrowed++
	p.mu.Unlock()
	if !found {
		// Nobody else opens it, and who needs it waits.
		p.start(e, cfg)
	}
	<-e.opened
	if e.err != nil {
		p.giveBack(e)
		return nil, e.err
	}
	return e, nil
}

// subscribe makes u a user of an entry that is borrowed, and lets changes of paths wake it from now on.
func (p *pool) subscribe(e *entry, u user, paths map[topo.Path]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.users[u] = paths
}

// start opens the store of an entry and watches it.
func (p *pool) start(e *entry, cfg topo.Config) {
	defer close(e.opened)
	cfg.Observe = func(took time.Duration, err error) {
		p.metrics.Request(took, err)
		p.note(e, err)
	}
	e.store, e.err = p.open(cfg)
	if e.err != nil {
		p.note(e, e.err)
		p.failed(e)
		return
	}
	p.metrics.Store(1)
	e.watch = p.follow(e)
}

// opening reports whether the store of an entry is not open yet.
func (e *entry) opening() bool {
	select {
	case <-e.opened:
		return false
	default:
		return true
	}
}

// giveBack what was borrowed.
func (p *pool) giveBack(e *entry) {
	p.mu.Lock()
	e.borrowed--
	p.mu.Unlock()
	p.collect(e)
}

// keep makes u a user of these entries and of no others.
func (p *pool) keep(u user, entries ...*entry) {
	kept := make(map[*entry]bool, len(entries))
	for _, e := range entries {
		kept[e] = true
	}
	var left []*entry
	p.mu.Lock()
	for _, e := range p.entries {
		if _, uses := e.users[u]; uses && !kept[e] {
			delete(e.users, u)
			left = append(left, e)
		}
	}
	p.mu.Unlock()
	for _, e := range left {
		p.collect(e)
	}
}

// collect closes the store of an entry that nobody needs.
func (p *pool) collect(e *entry) {
	p.mu.Lock()
	if e.borrowed > 0 || len(e.users) > 0 || p.entries[e.key] != e {
		p.mu.Unlock()
		return
	}
	delete(p.entries, e.key)
	if e.err == nil {
		delete(p.down, e.key)
	}
	p.mu.Unlock()
	p.shut(e)
}

// shut closes the store of an entry that is no longer in the pool.
func (p *pool) shut(e *entry) {
	<-e.opened
	if e.err != nil {
		return
	}
	e.watch.end()
	// What cannot be closed is of no use to anybody either.
	_ = e.store.Close()
	p.metrics.Store(-1)
}

// Start keeps the pool until the manager stops, and then closes all stores. It is a runnable of the manager.
func (p *pool) Start(ctx context.Context) error {
	<-ctx.Done()
	p.mu.Lock()
	all := p.entries
	p.entries = map[string]*entry{}
	p.mu.Unlock()
	for _, e := range all {
		p.shut(e)
	}
	return nil
}

// NeedLeaderElection returns false: the manager stops what needs it, the controllers, before it stops this.
func (p *pool) NeedLeaderElection() bool { return false }

// awaken the users of an entry whom a change of a path wakes, or all of them if the path is empty.
func (p *pool) awaken(e *entry, path topo.Path) {
	p.mu.Lock()
	var woken []user
	for u, paths := range e.users {
		if path == "" || concerns(paths, path) {
			woken = append(woken, u)
		}
	}
	p.mu.Unlock()
	for _, u := range woken {
		p.wake(u)
	}
}

// concerns reports whether a path is one of paths, or below one of them.
func concerns(paths map[topo.Path]bool, path topo.Path) bool {
	for i := len(path); i > 0; i-- {
		if (i == len(path) || path[i] == '/') && paths[path[:i]] {
			return true
		}
	}
	return false
}
