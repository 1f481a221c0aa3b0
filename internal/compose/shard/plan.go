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
	kindPod     = schema.GroupKind{Kind: "Pod"}
	kindService = schema.GroupKind{Kind: "Service"}
	kindClaim   = schema.GroupKind{Group: mv1alpha1.Group, Kind: mv1alpha1.VolumeClaimKind}
	kindRecord  = schema.GroupKind{Group: mv1alpha1.Group, Kind: mv1alpha1.ShardRecordKind}
)

// facts are what there is of the shard, and what becomes of its pods.
type facts struct {
	// members are those that the specification wants, by pool, cell and index.
	members []member

	// plan says what becomes of each pod, by key.
	plan rollout.Plan

	// retiring are the keys of the pods that are there although the specification does not want them, sorted.
	retiring []string

	// poolers of the members and of the retiring pods.
	poolers []mv1alpha1.ShardPooler

	// record is what the topology and the poolers say, if known.
	record mv1alpha1.ShardRecordObservation
	known  bool

	conf pgconf.Config
}

// plan adds the pods of the shard, and all that they need, to the set.
func plan(in compose.Input, sh *shard, s *compose.Set, conf pgconf.Config) (*facts, error) {
	f := &facts{conf: conf}
	observed := s.Observed(naming.KeyShardRecord).At("status", "atProvider")
	// What does not fit its type stays unknown: the record is a status, and no reason to stop.
	object.Decode(observed, &f.record)
	f.known = observed.Exists()

	s.Add(naming.KeyPgHbaConfig, buildPgHbaConfig(sh))
	s.Add(naming.KeyPostgresConfig, buildPostgresConfig(sh, conf))
	s.Add(naming.KeyExporterQueries, buildExporterQueries(sh))
	if sh.onFilesystem() {
		s.Add(naming.KeyBackupClaim, buildBackupClaim(sh))
	}
	wanted := map[string]bool{}
	for _, g := range sh.groups {
		s.Add(naming.KeyHeadlessService(g.pool, g.cell), buildHeadlessService(g))
		claim := buildDataClaims(sh, g)
		for i := range g.replicas {
			m := sh.member(g, i)
			s.Add(m.claimKey, claim(m.claim))
			f.members = append(f.members, m)
			wanted[m.key] = true
		}
	}
	pods := podKeys(s, in.Observed, wanted)
	for _, key := range pods {
		if !wanted[key] {
			f.retiring = append(f.retiring, key)
		}
	}
	if sh.userCertificate() == "" {
		s.Add(naming.KeyPgBackRestTLS, buildCertificate(sh, services(s, sh, f.retiring)))
	}
	f.poolers = poolers(s, sh, f)
	return f, f.addPods(in, sh, s, pods)
}

// podKeys returns the keys of the observed pods, sorted. Whatever is observed where a pod is wanted counts as one, so that
// nothing is ever put in its place.
func podKeys(s *compose.Set, observed map[string]object.Object, wanted map[string]bool) []string {
	var out []string
	for key := range observed {
		if s.Observed(key).Exists() && (wanted[key] || observed[key].GroupKind() == kindPod) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// services returns the names of the headless Services through which members find each other, those of retiring pods among
// them.
func services(s *compose.Set, sh *shard, retiring []string) []string {
	names := map[string]bool{}
	for _, g := range sh.groups {
		names[g.headless] = true
	}
	for _, key := range retiring {
		if sub := s.Observed(key).String("spec", "subdomain"); sub != "" {
			names[sub] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// poolers returns every pooler that is expected to live. What a retiring pod does not tell of itself leaves it out: nobody
// could look for it.
func poolers(s *compose.Set, sh *shard, f *facts) []mv1alpha1.ShardPooler {
	out := make([]mv1alpha1.ShardPooler, 0, len(f.members)+len(f.retiring))
	for _, m := range f.members {
		out = append(out, mv1alpha1.ShardPooler{Pod: m.pod, ServiceID: m.serviceID, Cell: m.cell, Hostname: m.host, Pool: m.pool})
	}
	for _, key := range f.retiring {
		pod := s.Observed(key)
		p := mv1alpha1.ShardPooler{
			Pod: pod.Name(), ServiceID: naming.ServiceID(pod.Name()),
			Cell: pod.Label(naming.LabelCell), Pool: pod.Label(naming.LabelPool),
			Hostname: naming.PodHost(pod.Name(), pod.String("spec", "subdomain"), sh.namespace),
		}
		if p.Pod != "" && p.Cell != "" && p.Pool != "" {
			out = append(out, p)
		}
	}
	return out
}

// recordCells returns the cells whose topology holds records of the shard, sorted. A cell is among them until its last pooler
// has gone.
func recordCells(sh *shard, poolers []mv1alpha1.ShardPooler) []string {
	cells := map[string]bool{}
	for _, c := range sh.cells {
		cells[c] = true
	}
	for _, p := range poolers {
		cells[p.Cell] = true
	}
	return slices.Sorted(maps.Keys(cells))
}

// addPods does with every pod what the rollout's plan says.
func (f *facts) addPods(in compose.Input, sh *shard, s *compose.Set, pods []string) error {
	enc := object.NewEncoder()
	p := buildParts(sh, f.conf)
	templates := make(map[*group]*template, len(sh.groups))
	for _, g := range sh.groups {
		t, err := newTemplate(sh, g, p, enc)
		if err != nil {
			return err
		}
		templates[g] = t
	}
	gate := closed(in, sh, s)
	f.plan = rollout.New(f.rollout(in, sh, s, pods, templates, gate == ""))
	for _, m := range f.members {
		switch f.plan[m.key].Action { //nolint:exhaustive // Whatever the plan does not create or keep stays as it is.
		case rollout.Create, rollout.Keep:
			s.Add(m.key, templates[m.group].build(m))
		case rollout.Wait:
			reason := gate
			if reason == "" {
				reason = "VolumeClaim " + m.claim
			}
			s.AddWhen(false, reason, m.key, templates[m.group].build(m))
		default:
			if err := s.Keep(m.key); err != nil {
				return err
			}
		}
	}
	return nil
}

// rollout returns what the rollout's plan rests on.
func (f *facts) rollout(in compose.Input, sh *shard, s *compose.Set, pods []string, templates map[*group]*template, open bool) rollout.Input {
	out := rollout.Input{
		Desired:  make([]rollout.Pod, 0, len(f.members)),
		Observed: make([]rollout.ObservedPod, 0, len(pods)),
		Record:   rollout.Record{Known: f.known, Leader: f.record.LeaderPod},
		Policy: rollout.Policy{
			Durability: string(sh.spec.DurabilityPolicy),
			Paused:     in.XR.Has("metadata", "annotations", naming.AnnotationRolloutPaused),
		},
		Now: in.Now,
	}
	for _, m := range f.members {
		out.Desired = append(out.Desired, rollout.Pod{
			Key: m.key, Name: m.pod, Cell: m.cell, Hash: templates[m.group].hash, Volumes: open && s.IsReady(m.claimKey),
		})
	}
	for _, key := range pods {
		pod := s.Observed(key)
		out.Observed = append(out.Observed, rollout.ObservedPod{
			Key: key, Name: pod.Name(), Cell: pod.Label(naming.LabelCell),
			Hash: pod.Annotation(naming.AnnotationSpecHash), Ready: compose.Ready(pod), Deleting: pod.Deleting(),
		})
	}
	for _, p := range f.record.Poolers {
		out.Record.Members = append(out.Record.Members, rollout.Member{
			Pod: p.Pod, Primary: p.Role == mv1alpha1.PoolerRolePrimary, InCohort: p.InCohort, PostgresReady: p.PostgresReady,
		})
	}
	return out
}

// keepWhatHoldsData keeps everything that holds data or that a living pod needs, although the specification does not ask for
// it any more: pods and volumes, the Services that give retiring pods their names, and the certificate that pods mount which
// were made when it was wanted.
func keepWhatHoldsData(s *compose.Set, f *facts) error {
	names := map[string]bool{}
	for _, key := range f.retiring {
		if sub := s.Observed(key).String("spec", "subdomain"); sub != "" {
			names[sub] = true
		}
	}
	outdated := f.plan.Count(rollout.ReasonOutdated)+len(f.retiring) > 0
	for _, key := range s.Leftover() {
		o := s.Observed(key)
		switch gk := o.GroupKind(); {
		case gk == kindPod, gk == kindClaim, gk == kindRecord:
		case gk == kindService && names[o.Name()]:
		case key == naming.KeyPgBackRestTLS && outdated:
		default:
			continue
		}
		if err := s.Keep(key); err != nil {
			return err
		}
	}
	return nil
}
