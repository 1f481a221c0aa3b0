package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"

	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/history"
)

// TestTwoClusters: two clusters share a topology server, under roots of their own. Neither ever touches the other's records.
func TestTwoClusters(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	s.provider()
	for _, c := range []string{"a", "b"} {
		s.config(c, st, c)
	}
	a := s.cluster("a", "a", "one", "two")
	b := s.cluster("b", "b", "one", "two")
	s.settled(slices.Concat(a, b)...)
	s.empty(a)
	s.settled(b...)
	h := st.history()
	for _, name := range []string{"one", "two"} {
		for _, key := range []string{cellKey(name), databaseKey(name)} {
			for _, k := range []string{"b/" + key, "b/" + ownerKey(key)} {
				if n := len(h.Of(k)); n != 1 {
					t.Errorf("%s should have been written once, by its own cluster, got %d times", k, n)
				}
			}
			if h[len(h)-1].State["a/"+key] != "" {
				t.Errorf("a/%s should be gone", key)
			}
		}
	}
	s.notef("%d revisions, none touched what is the other's", len(h))
}

// TestTwoClustersOneRoot: two clusters have the same root by mistake, and records of the same and of other names. The one that comes
// second says so; neither removes nor changes what is the other's.
func TestTwoClustersOneRoot(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	s.provider()
	s.config("a", st, "")
	s.config("b", st, "")
	s.rivals(st, "a", s, "b")
}

// TestTwoControlPlanes: the same for clusters of the same names in two control planes, which know nothing of each other.
func TestTwoControlPlanes(t *testing.T) {
	t.Parallel()
	s := begin(t)
	other := s.abroad(controlplane.Start(t, controlplane.Options{CRDs: []string{"../../package/provider/crds"}}))
	st := s.shared()
	for _, o := range []*scenario{s, other} {
		o.provider()
		o.config("pc", st, "")
	}
	s.rivals(st, "pc", other, "pc")
}

// rivals lets a cluster have a root, and another one, which is called like its configuration as well, come to the same root and go
// again, and then the first one.
func (s *scenario) rivals(st *store, config string, other *scenario, otherConfig string) {
	s.Helper()
	a := s.cluster(config, config, "one", "two")
	s.settled(a...)
	revision := st.now()
	b := other.cluster(otherConfig, otherConfig, "one", "three")
	for _, mg := range b {
		if strings.HasSuffix(mg.GetName(), "-one") {
			other.condition(mg, "Settled", "False", "OwnedByOther")
			continue
		}
		other.settled(mg)
	}
	other.empty(b)
	h := st.history().After(revision)
	if touched := s.touched(h, cellKey("one"), cellKey("two"), databaseKey("one"), databaseKey("two")); touched != nil {
		s.Errorf("records of the first cluster were changed: %v", touched)
	}
	s.settled(a...)
	s.empty(a)
	all := st.history()
	if left := records(all[len(all)-1].State); len(left) > 0 {
		s.Errorf("nothing should be left, got %v", left)
	}
	s.notef("%d revisions of the second cluster, none touched the first", len(h))
}

// touched returns the changes of keys.
func (s *scenario) touched(h history.History, keys ...string) []history.Change {
	var out []history.Change
	for _, k := range keys {
		out = append(out, h.Of(k)...)
		out = append(out, h.Of(ownerKey(k))...)
	}
	return out
}

// cluster makes cells and databases of some names.
func (s *scenario) cluster(prefix, config string, names ...string) []resource.Managed {
	s.Helper()
	var out []resource.Managed
	for _, n := range names {
		z, d := cell(prefix+"-cell-"+n, config), database(prefix+"-db-"+n, config, n)
		z.Spec.ForProvider.Cell, d.Spec.ForProvider.Database = n, n
		s.create(z, d)
		out = append(out, z, d)
	}
	return out
}

// empty deletes managed resources and waits until they are gone.
func (s *scenario) empty(mgs []resource.Managed) {
	s.Helper()
	for _, mg := range mgs {
		s.remove(mg)
	}
	for _, mg := range mgs {
		s.gone(mg)
	}
}

// TestG7Order: a cell stays for as long as a database lists it, and says so.
func TestG7Order(t *testing.T) {
	t.Parallel()
	s, st, _ := ordinary(t, "")
	z, d := cell("z1", "pc"), database("d", "pc", "z1")
	s.create(z, d)
	s.settled(z, d)
	s.remove(z)
	c := s.condition(z, "Settled", "False", "")
	s.never("the cell goes", func() bool { return st.cell(cellKey("z1")) == nil })
	s.remove(d)
	s.gone(d, z)
	h := st.history()
	for _, m := range h {
		_, isCell := m.State[cellKey("z1")]
		if _, isDatabase := m.State[databaseKey("d")]; isDatabase && !isCell && m.Revision > h[len(h)-1].Revision-1 {
			t.Errorf("revision %d: the database lists a cell that is gone", m.Revision)
		}
	}
	s.notef("%s: %s", c.Reason, c.Message)
}
