package shard

import (
	"cmp"
	"slices"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// A member is one PostgreSQL instance: one that the shard wants, or one of which something is left.
type member struct {
	*group

	index     int
	wanted    bool
	key       string
	claimKey  string
	pod       string
	claim     string
	host      string
	serviceID string

	// live is the pod as it is observed, and composed is true if that is as one of the composed resources.
	live     object.Object
	composed bool
	// settled is true if the composed resources and the pods of the namespace agree about it.
	settled bool
}

// member returns the member of a group with the given index.
func (sh *shard) member(g *group, index int) member {
	name := sh.id.PodName(g.pool, g.cell, index)
	return member{
		group:     g,
		index:     index,
		key:       naming.KeyPod(g.pool, g.cell, index),
		claimKey:  naming.KeyDataClaim(g.pool, g.cell, index),
		pod:       name,
		claim:     sh.id.DataClaim(g.pool, g.cell, index),
		host:      naming.PodHost(name, g.headless, sh.namespace),
		serviceID: naming.ServiceID(name),
	}
}

// pooler returns how the shard's record names the member.
func (m *member) pooler() mv1alpha1.ShardPooler {
	return mv1alpha1.ShardPooler{Pod: m.pod, ServiceID: m.serviceID, Cell: m.cell, Hostname: m.host, Pool: m.pool}
}

// exists is true if the member has a pod, however it is.
func (m *member) exists() bool { return m.live.Exists() }

// A roster collects the members of a shard by their keys.
type roster struct {
	sh     *shard
	byKey  map[string]*member
	groups map[[2]string]*group
}

// members returns all members of the shard, ordered by pool, cell and index: those that the specification wants, and those of
// which a pod, a volume claim or an entry of the shard's record is left. Nothing else is remembered of them.
func members(in compose.Input, sh *shard, s *compose.Set) []*member {
	r := &roster{sh: sh, byKey: map[string]*member{}, groups: map[[2]string]*group{}}
	for _, g := range sh.groups {
		r.groups[[2]string{g.pool, g.cell}] = g
		for i := range g.replicas {
			m := sh.member(g, i)
			m.wanted = true
			r.byKey[m.key] = &m
		}
	}
	r.fromRecord(s.Observed(naming.KeyShardRecord).At("spec", "forProvider"))
	r.fromClaims(in.Observed)
	r.fromComposed(in.Observed)
	r.fromPods(in.Required[requirePods])

	out := make([]*member, 0, len(r.byKey))
	for _, m := range r.byKey {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *member) int {
		return cmp.Or(cmp.Compare(a.pool, b.pool), cmp.Compare(a.cell, b.cell), cmp.Compare(a.index, b.index), cmp.Compare(a.key, b.key))
	})
	return out
}

// add returns the member of a pool and cell whose pod or claim has the given name, a new one if it is not there yet. There is
// none if the name, the pool and the cell do not belong together.
func (r *roster) add(pool, cell, name string) *member {
	index, ok := naming.PodIndex(name)
	if !ok || pool == "" || cell == "" {
		return nil
	}
	id := [2]string{pool, cell}
	g := r.groups[id]
	if g == nil {
		g = &group{pool: pool, cell: cell, labels: r.sh.id.PoolLabels(pool, cell), headless: r.sh.id.HeadlessService(pool, cell)}
		if p, ok := r.sh.spec.Pools[v1alpha1.PoolName(pool)]; ok {
			g.spec = &p
		}
		r.groups[id] = g
	}
	m := r.sh.member(g, index)
	if name != m.pod && name != m.claim {
		return nil
	}
	if r.byKey[m.key] == nil {
		r.byKey[m.key] = &m
	}
	return r.byKey[m.key]
}

// fromRecord adds the members that the shard's record lists.
func (r *roster) fromRecord(params object.Object) {
	for _, list := range []string{"poolers", "removed"} {
		for _, p := range params.List(list) {
			r.add(p.String("pool"), p.String("cell"), p.String("pod"))
		}
	}
}

// fromClaims adds the members whose claims are composed.
func (r *roster) fromClaims(observed map[string]object.Object) {
	for _, o := range observed {
		if o.GroupKind() == kindClaim {
			r.add(o.Label(naming.LabelPool), o.Label(naming.LabelCell), o.Name())
		}
	}
}

// fromComposed adds the members whose pods are composed. Whatever is observed where a pod is wanted counts as one, so that
// nothing is ever put in its place.
func (r *roster) fromComposed(observed map[string]object.Object) {
	for key, o := range observed {
		if !o.Exists() {
			continue
		}
		m := r.byKey[key]
		if m == nil && o.GroupKind() == kindPod {
			m = r.stray(key, o)
		}
		if m != nil {
			m.live, m.composed = o, true
		}
	}
}

// stray returns the member of a composed pod that is not wanted. One whose labels do not say whose it is has a key and a name,
// and nothing else.
func (r *roster) stray(key string, pod object.Object) *member {
	if m := r.add(pod.Label(naming.LabelPool), pod.Label(naming.LabelCell), pod.Name()); m != nil && m.key == key {
		return m
	}
	m := &member{group: &group{}, key: key, pod: pod.Name()}
	r.byKey[key] = m
	return m
}

// fromPods takes in the pods of the namespace that have the shard's labels: those among them that are composed no longer are on
// their way out. A pod that has a member's name is in its place, whatever else its labels say. Two views of one pod differ for a moment, since they are of different age: then it is in doubt, and if one of
// them knows of its deletion it is being deleted.
func (r *roster) fromPods(pods []object.Object) {
	byName := make(map[string]*member, len(r.byKey))
	for _, m := range r.byKey {
		name := m.pod
		if m.composed {
			name = m.live.Name()
		}
		byName[name] = m
	}
	for _, pod := range pods {
		m := byName[pod.Name()]
		if m == nil {
			m = r.add(pod.Label(naming.LabelPool), pod.Label(naming.LabelCell), pod.Name())
		}
		switch {
		case m == nil:
		case !m.composed:
			m.live = pod
		case m.live.UID() == pod.UID():
			m.settled = true
			if pod.Deleting() {
				m.live = pod
			}
		}
	}
}
