package topology

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/metrics"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

func someone(name string) user {
	return user{kind: "CellRecord", key: types.NamespacedName{Namespace: "ns", Name: name}}
}

func somewhere(root string) topo.Config {
	// Nobody listens there, which a store finds out in the background.
	return topo.Config{Endpoints: []string{"127.0.0.1:1"}, Root: root, Identity: "i", Timeout: time.Second}
}

// testPool returns a pool that is closed at the end, and the names of those that it wakes.
func testPool(t *testing.T) (*pool, func() []string) {
	t.Helper()
	var (
		mu    sync.Mutex
		woken []string
	)
	p := newPool(func(u user) {
		mu.Lock()
		defer mu.Unlock()
		woken = append(woken, u.key.Name)
	}, metrics.New())
	t.Cleanup(func() {
		for _, e := range p.entries {
			p.shut(e)
		}
	})
	return p, func() []string {
		mu.Lock()
		defer mu.Unlock()
		out := woken
		woken = nil
		return out
	}
}

// use a store in a reconcile that ends at once.
func use(t *testing.T, p *pool, u user, cfg topo.Config, paths ...topo.Path) *entry {
	t.Helper()
	e, err := p.borrow(cfg)
	if err != nil {
		t.Fatal(err)
	}
	of := map[topo.Path]bool{}
	for _, path := range paths {
		of[path] = true
	}
	p.subscribe(e, u, of)
	p.keep(u, e)
	p.giveBack(e)
	return e
}

// mute is an entry that has no store, and of which only the test tells whether its server answers.
func mute(t *testing.T, p *pool, cfg topo.Config) *entry {
	t.Helper()
	key, err := keyOf(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e := &entry{key: key, opened: make(chan struct{}), err: errBoom, users: map[user]map[topo.Path]bool{}}
	close(e.opened)
	p.entries[key] = e
	return e
}

func closed(e *entry) bool {
	select {
	case <-e.watch.ended:
		return true
	default:
		return false
	}
}

func TestPoolShares(t *testing.T) {
	p, _ := testPool(t)
	a := use(t, p, someone("a"), somewhere("/r"))
	if b := use(t, p, someone("b"), somewhere("/r")); a != b {
		t.Error("borrow(): equal configurations should share a store")
	}
	changes := map[string]func(*topo.Config){
		"Root":      func(c *topo.Config) { c.Root = "/s" },
		"Endpoints": func(c *topo.Config) { c.Endpoints = []string{"127.0.0.1:2"} },
		"Identity":  func(c *topo.Config) { c.Identity = "j" },
		"TLS":       func(c *topo.Config) { c.TLS = &topo.TLS{} },
		"Server":    func(c *topo.Config) { c.TLS = &topo.TLS{ServerName: "s"} },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			cfg := somewhere("/r")
			change(&cfg)
			if use(t, p, someone(name), cfg) == a {
				t.Error("borrow(): other configurations should have other stores")
			}
		})
	}
	key := func(change func(*topo.Config)) string {
		cfg := somewhere("/r")
		change(&cfg)
		k, err := keyOf(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	keys := map[string]bool{}
	for _, change := range []func(*topo.Config){
		func(*topo.Config) {},
		func(c *topo.Config) { c.Username = "u" },
		func(c *topo.Config) { c.Password = "u" },
		func(c *topo.Config) { c.TLS = &topo.TLS{CA: []byte("u")} },
		func(c *topo.Config) { c.TLS = &topo.TLS{Cert: []byte("u")} },
		func(c *topo.Config) { c.TLS = &topo.TLS{Key: []byte("u")} },
	} {
		keys[key(change)] = true
	}
	if len(keys) != 6 {
		t.Errorf("keyOf(): everything that makes a connection should be in the key, got %d keys of 6", len(keys))
	}
}

func TestPoolCloses(t *testing.T) {
	p, _ := testPool(t)
	old := use(t, p, someone("a"), somewhere("/old"))
	use(t, p, someone("b"), somewhere("/old"))

	borrowed, err := p.borrow(somewhere("/old"))
	if err != nil {
		t.Fatal(err)
	}
	use(t, p, someone("a"), somewhere("/new"))
	use(t, p, someone("b"), somewhere("/new"))
	if closed(old) {
		t.Fatal("keep(): a store should not be closed while a reconcile uses it")
	}
	p.giveBack(borrowed)
	if !closed(old) {
		t.Error("giveBack(): a store that nobody uses should be closed")
	}
	if again := use(t, p, someone("a"), somewhere("/old")); again == old {
		t.Error("borrow(): a closed store should not be used again")
	}
	last := use(t, p, someone("c"), somewhere("/other"))
	p.keep(someone("c"))
	if !closed(last) {
		t.Error("keep(): a store should be closed when its last user is gone")
	}
}

func TestPoolWakes(t *testing.T) {
	p, woken := testPool(t)
	e := use(t, p, someone("cell"), somewhere("/r"), "cells/z1/Cell", "databases")
	use(t, p, someone("other"), somewhere("/r"), "cells/z10/Cell")
	use(t, p, someone("elsewhere"), somewhere("/s"), "cells/z1/Cell")
	cases := map[string]struct {
		reason string
		path   topo.Path
		want   []string
	}{
		"Record": {"Who is concerned by a record should be woken.", "cells/z1/Cell", []string{"cell"}},
		"Folder": {"Who is concerned by a folder should be woken by all that is in it.", "databases/db/Database", []string{"cell"}},
		"Prefix": {"A name that begins alike is another one.", "cells/z1/Cell2", nil},
		"Nobody": {"What concerns nobody should wake nobody.", "poolers/p/Pooler", nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			woken()
			p.awaken(e, tc.path)
			if diff := cmp.Diff(tc.want, woken()); diff != "" {
				t.Errorf("%s\nawaken(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
	woken()
	p.awaken(e, "")
	if got := woken(); len(got) != 2 {
		t.Errorf("awaken(): a list should wake everybody there, got %v", got)
	}
}

func TestPoolOpenFails(t *testing.T) {
	p, _ := testPool(t)
	fail := true
	p.open = func(cfg topo.Config) (*topo.Store, error) {
		if fail {
			return nil, errBoom
		}
		return topo.Open(cfg)
	}
	if _, err := p.borrow(somewhere("/r")); !errors.Is(err, errBoom) {
		t.Errorf("borrow(): want %v, got %v", errBoom, err)
	}
	fail = false
	if _, err := p.borrow(somewhere("/r")); err != nil {
		t.Errorf("borrow(): a failure should not be remembered, got %v", err)
	}
}

func TestPoolSilence(t *testing.T) {
	p, _ := testPool(t)
	now := time.Unix(0, 0)
	p.now = func() time.Time { return now }
	cfg := somewhere("/r")
	e := mute(t, p, cfg)
	cases := []struct {
		reason string
		err    error
		want   time.Duration
	}{
		{"A first failure begins the silence.", topo.ErrUnavailable, 0},
		{"Further failures go on with it.", topo.ErrUnavailable, time.Second},
		{"A refusal is an answer.", topo.ErrDenied, 0},
		{"What is silent again begins anew.", topo.ErrUnavailable, 0},
		{"Who did not wait knows nothing.", errors.Wrap(context.Canceled, "x"), time.Second},
		{"That a record is absent is an answer.", topo.ErrAbsent, 0},
	}
	for _, tc := range cases {
		p.note(e, tc.err)
		if got := p.silent(cfg); got != tc.want {
			t.Errorf("%s\nsilent(): want %s, got %s", tc.reason, tc.want, got)
		}
		now = now.Add(time.Second)
	}
}

func TestPoolSilenceBreaks(t *testing.T) {
	p, _ := testPool(t)
	now := time.Unix(0, 0)
	p.now = func() time.Time { return now }
	cfg := somewhere("/r")
	e := mute(t, p, cfg)
	p.note(e, topo.ErrUnavailable)
	now = now.Add(time.Hour)
	p.note(e, topo.ErrUnavailable)
	if got := p.silent(cfg); got != 0 {
		t.Errorf("silent(): nobody knows what a server did that was not asked for an hour, got %s", got)
	}
	now = now.Add(GiveUpAfter)
	p.note(e, topo.ErrUnavailable)
	if got := p.silent(cfg); got != GiveUpAfter {
		t.Errorf("silent(): want %s, got %s", GiveUpAfter, got)
	}
	delete(p.entries, e.key)
	p.note(e, nil)
	if got := p.silent(cfg); got != GiveUpAfter {
		t.Errorf("silent(): what a store hears that is being closed should not count, got %s", got)
	}
}

func TestPoolWakesAfterOutage(t *testing.T) {
	p, woken := testPool(t)
	e := mute(t, p, somewhere("/r"))
	p.subscribe(e, someone("a"), nil)
	p.note(e, nil)
	p.note(e, topo.ErrUnavailable)
	if got := woken(); len(got) > 0 {
		t.Errorf("note(): nobody should be woken by a failure, got %v", got)
	}
	p.note(e, nil)
	if diff := cmp.Diff([]string{"a"}, woken()); diff != "" {
		t.Errorf("note(): who waits should be woken by the first answer: -want, +got:\n%s", diff)
	}
}

func TestPoolOpenUnavailable(t *testing.T) {
	p, _ := testPool(t)
	now := time.Unix(0, 0)
	p.now = func() time.Time { return now }
	asked := 0
	p.open = func(topo.Config) (*topo.Store, error) {
		asked++
		return nil, topo.ErrUnavailable
	}
	cases := []struct {
		reason string
		after  time.Duration
		want   int
	}{
		{"The first one should ask.", 0, 1},
		{"Who comes right after should not wait for the same failure.", 0, 1},
		{"After a rest somebody should try again.", time.Second, 2},
		{"The next rest should be longer.", time.Second, 2},
		{"But it should end.", time.Second, 3},
	}
	for _, tc := range cases {
		now = now.Add(tc.after)
		if _, err := p.borrow(somewhere("/r")); !errors.Is(err, topo.ErrUnavailable) {
			t.Errorf("%s\nborrow(): want %v, got %v", tc.reason, topo.ErrUnavailable, err)
		}
		if asked != tc.want {
			t.Errorf("%s\nborrow(): want %d attempts, got %d", tc.reason, tc.want, asked)
		}
	}
}
