package shard

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
	"github.com/crossplane-multigres/crossplane-multigres/internal/rollout"
)

var (
	kindPod         = schema.GroupKind{Kind: "Pod"}
	kindService     = schema.GroupKind{Kind: "Service"}
	kindStatefulSet = schema.GroupKind{Group: "apps", Kind: "StatefulSet"}
	kindClaim       = schema.GroupKind{Group: mv1alpha1.Group, Kind: mv1alpha1.VolumeClaimKind}
	kindRecord      = schema.GroupKind{Group: mv1alpha1.Group, Kind: mv1alpha1.ShardRecordKind}
)

// A planFunc decides what becomes of the members of a shard.
type planFunc func(rollout.Input) rollout.Plan

// facts are what there is of the shard, and what becomes of it.
type facts struct {
	// members of the shard, wanted and not, by pool, cell and index.
	members []*member

	// record is what the topology and the poolers say, if known.
	record *record

	// plan says what becomes of each member, and blocked what the pods of new members wait for, by key.
	plan    rollout.Plan
	blocked map[string]string

	conf pgconf.Config
}

// decision returns what becomes of a member.
func (f *facts) decision(m *member) rollout.Decision { return f.plan.Decisions[m.key] }

// wanted returns the members that the specification wants.
func (f *facts) wanted() []*member {
	return slices.DeleteFunc(slices.Clone(f.members), func(m *member) bool { return !m.wanted })
}

// leaving returns the members that the specification does not want and that are not gone yet: a pod of theirs is there, or
// something in the topology.
func (f *facts) leaving(sh *shard) []*member {
	return slices.DeleteFunc(slices.Clone(f.members), func(m *member) bool {
		return m.wanted && !sh.spec.Drain || !m.exists() && f.decision(m).Reason == rollout.ReasonGone && f.decision(m).Volume == rollout.VolumeKeep
	})
}

// anyPod is true if the shard has a pod, wanted or not.
func (f *facts) anyPod() bool { return slices.ContainsFunc(f.members, (*member).exists) }

// listed returns how the shard's record should list its members.
func (f *facts) listed(as rollout.Listing) []mv1alpha1.ShardPooler {
	var out []mv1alpha1.ShardPooler
	for _, m := range f.members {
		if f.decision(m).Listing == as && m.serviceID != "" {
			out = append(out, m.pooler())
		}
	}
	return out
}

// makePlan adds what the pods of the shard need to the set, and decides what becomes of them.
func makePlan(in compose.Input, sh *shard, s *compose.Set, conf pgconf.Config, plan planFunc) (*facts, error) {
	f := &facts{conf: conf, blocked: map[string]string{}, record: newRecord(s.Observed(naming.KeyShardRecord)), members: members(in, sh, s)}

	s.Add(naming.KeyPgHbaConfig, buildPgHbaConfig(sh))
	s.Add(naming.KeyPostgresConfig, buildPostgresConfig(sh, conf, standing(in).note(conf)))
	s.Add(naming.KeyExporterQueries, buildExporterQueries(sh))
	if sh.onFilesystem() {
		s.Add(naming.KeyBackupClaim, buildBackupClaim(sh))
	}
	claims := map[*group]func(string) *mv1alpha1.VolumeClaim{}
	for _, g := range sh.groups {
		s.Add(naming.KeyHeadlessService(g.pool, g.cell), buildHeadlessService(g))
		claims[g] = buildDataClaims(sh, g)
	}
	for _, m := range f.wanted() {
		s.Add(m.claimKey, claims[m.group](m.claim))
	}
	if sh.userCertificate() == "" {
		s.Add(naming.KeyPgBackRestTLS, buildCertificate(sh, services(sh, f)))
	}
	templates, err := newTemplates(sh, conf, loaded(in, sh, s, f.members), f.members)
	if err != nil {
		return nil, err
	}
	gate := closed(in, sh, s)
	for _, m := range f.members {
		f.blocked[m.key] = gate
		if gate == "" && !compose.Ready(s.Observed(m.claimKey)) {
			f.blocked[m.key] = "VolumeClaim " + m.claim
		}
	}
	f.plan = plan(rolloutInput(in, sh, s, f, func(m *member) *rollout.Want {
		if t := templates[m.group]; t != nil {
			return &rollout.Want{Hash: t.hash, StandIn: m.spec == nil, Blocked: f.blocked[m.key]}
		}
		return nil
	}))
	for _, m := range f.members {
		if err := f.carryOut(sh, s, m, templates[m.group]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// newTemplates returns what makes the pods of each group. A pod of a pool that is not known any more, if one has to be made again,
// is like one of the first pool but for its identity and its volume.
func newTemplates(sh *shard, conf pgconf.Config, certs map[string]string, ms []*member) (map[*group]*template, error) {
	enc := object.NewEncoder()
	p := buildParts(sh, conf, certs)
	out := make(map[*group]*template, len(sh.groups))
	for _, m := range ms {
		g := m.group
		if g.spec == nil && len(sh.groups) > 0 {
			like := *g
			like.spec = sh.groups[0].spec
			g = &like
		}
		if g.spec == nil || out[m.group] != nil {
			continue
		}
		t, err := newTemplate(sh, g, p, enc)
		if err != nil {
			return nil, err
		}
		out[m.group] = t
	}
	return out, nil
}

// carryOut does with a member what the plan says. What is not composed is removed.
func (f *facts) carryOut(sh *shard, s *compose.Set, m *member, t *template) error {
	d := f.decision(m)
	switch d.Action {
	case rollout.Create, rollout.Keep:
		if key := naming.KeyHeadlessService(m.pool, m.cell); !s.Has(key) {
			s.Add(key, buildHeadlessService(m.group))
		}
		s.Add(m.key, t.build(m))
	case rollout.Freeze:
		fields, err := object.Owned(m.live, object.ManagerPrefix)
		if err != nil {
			return err
		}
		s.KeepAs(m.key, m.live, fields)
	case rollout.Wait:
		if m.wanted && !sh.spec.Drain {
			s.Withhold(m.key, f.waitingFor(m))
		}
	case rollout.Remove:
	}
	if m.wanted || !s.Observed(m.claimKey).Exists() {
		return nil
	}
	switch d.Volume {
	case rollout.VolumeRemove:
		return nil
	case rollout.VolumeRelease:
		return keepClaim(s, m.claimKey, policiesDelete)
	default:
		return keepClaim(s, m.claimKey, managementPolicies(sh.volumePolicy(m.group).WhenDeleted))
	}
}

// waitingFor says what a wanted member without a pod waits for.
func (f *facts) waitingFor(m *member) string {
	if d := f.decision(m); d.Reason != rollout.ReasonPrerequisites {
		return "pod " + m.pod + ", " + d.Message
	}
	return f.blocked[m.key]
}

// services returns the names of the headless Services through which members find each other, those of pods that are not wanted
// any more among them.
func services(sh *shard, f *facts) []string {
	names := map[string]bool{}
	for _, g := range sh.groups {
		names[g.headless] = true
	}
	for _, m := range f.members {
		if sub := m.live.String("spec", "subdomain"); sub != "" {
			names[sub] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// keepWhatIsNeeded keeps what the specification does not ask for any more and that holds data or that a pod needs: the volume
// with the backups, the record, the Services that give pods their names, and the certificate that pods mount which were made
// when it was wanted. A member that the record lists may have a pod that was made a moment ago and is not seen yet. What becomes
// of pods and of their volumes is decided already.
func keepWhatIsNeeded(s *compose.Set, f *facts) error {
	names, old := map[string]bool{}, false
	for _, m := range f.members {
		d := f.decision(m)
		if !m.exists() && d.Listing == rollout.Unlisted {
			continue
		}
		names[m.headless], names[m.live.String("spec", "subdomain")] = true, true
		old = old || d.Action != rollout.Keep
	}
	decided := map[string]bool{}
	for _, m := range f.members {
		decided[m.key], decided[m.claimKey] = true, true
	}
	for _, key := range s.Leftover() {
		o := s.Observed(key)
		switch gk := o.GroupKind(); {
		case decided[key]:
			continue
		case gk == kindClaim, gk == kindRecord:
		case gk == kindService && names[o.Name()]:
		case key == naming.KeyPgBackRestTLS && old:
		default:
			continue
		}
		if err := s.Keep(key); err != nil {
			return err
		}
	}
	return nil
}
