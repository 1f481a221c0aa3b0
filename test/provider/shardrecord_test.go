package provider

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
	"github.com/crossplane-multigres/crossplane-multigres/test/pooler"
)

// shard is a simulated shard of three poolers, one in each of three cells, and the ShardRecord that watches over it.
type shard struct {
	*pooler.Shard
	*scenario

	raw     *clientv3.Client
	record  *v1alpha1.ShardRecord
	poolers []pooler.ID
}

// shard starts a topology server, poolers that have a leader, and their pods. It creates the configuration, and not yet the record.
func (s *scenario) shard() *shard {
	s.Helper()
	server := etcd.Run(s)
	s.etcds = append(s.etcds, server)
	sh := &shard{scenario: s, raw: server.Client(s)}
	cfg := pooler.Config{
		Database: "postgres", TableGroup: "default", Shard: "0-inf",
		Global: pooler.Place{Client: sh.raw, Root: s.root}, Cells: map[string]pooler.Place{},
	}
	for i, cell := range []string{"a", "b", "c"} {
		cfg.Cells[cell] = pooler.Place{Client: sh.raw, Root: s.root + "-" + cell}
		sh.put(s.root+"/"+string(topo.CellPath(cell)), &clustermetadatapb.Cell{Name: cell, ServerAddresses: []string{server.Address}, Root: s.root + "-" + cell})
		sh.poolers = append(sh.poolers, pooler.ID{Cell: cell, Name: "p-" + string(rune('0'+i))})
	}
	sh.Shard = pooler.NewShard(cfg)
	s.Cleanup(sh.Close)
	for _, id := range sh.poolers {
		s.must(sh.Start(s.Context(), id))
		s.create(&corev1.Pod{ObjectMeta: named("pod-" + id.Name), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "none"}}}})
	}
	s.must(sh.Step(s.Context()))
	s.create(&v1alpha1.ProviderConfig{ObjectMeta: named("pc"), Spec: v1alpha1.ProviderConfigSpec{
		Topology: v1alpha1.Topology{Endpoints: []string{server.Address}, Root: s.root},
	}})
	sh.record = &v1alpha1.ShardRecord{ObjectMeta: named("shard"), Spec: v1alpha1.ShardRecordSpec{
		ManagedResourceSpec: xpv2.ManagedResourceSpec{ProviderConfigReference: &xpv2.ProviderConfigReference{Kind: v1alpha1.ProviderConfigKind, Name: "pc"}},
		ForProvider: v1alpha1.ShardRecordParameters{
			Database: "postgres", TableGroup: "default", Shard: "0-inf", Cells: []string{"a", "b", "c"}, Poolers: sh.listed(sh.poolers...),
		},
	}}
	return sh
}

func (sh *shard) listed(ids ...pooler.ID) []v1alpha1.ShardPooler {
	var out []v1alpha1.ShardPooler
	for _, id := range ids {
		out = append(out, v1alpha1.ShardPooler{Pod: "pod-" + id.Name, ServiceID: id.Name, Cell: id.Cell, Hostname: sh.Host(id), Pool: "main"})
	}
	return out
}

func (sh *shard) put(key string, m proto.Message) {
	sh.Helper()
	value, err := proto.Marshal(m)
	sh.must(err)
	_, err = sh.raw.Put(sh.Context(), key, string(value))
	sh.must(err)
}

// key of a pooler's record.
func (sh *shard) key(id pooler.ID) string {
	return sh.root + "-" + id.Cell + "/" + string(topo.MultiPoolerPath(id.Cell, id.Name))
}

func (sh *shard) registered(id pooler.ID) bool {
	sh.Helper()
	resp, err := sh.raw.Get(sh.Context(), sh.key(id))
	sh.must(err)
	return len(resp.Kvs) > 0
}

// dies as a node does that is lost: silent, and nobody writes a record. Its pod goes.
func (sh *shard) dies(id pooler.ID) {
	sh.Helper()
	sh.Kill(id)
	pod := &corev1.Pod{ObjectMeta: metaIn(sh.ns, "pod-"+id.Name)}
	sh.must(client.IgnoreNotFound(sh.kube.Delete(sh.Context(), pod, client.GracePeriodSeconds(0))))
}

// observed waits until the record shows something.
func (sh *shard) observed(what string, ok func(o v1alpha1.ShardRecordObservation) bool) {
	sh.Helper()
	sh.until(what, func(ctx context.Context) error {
		if err := sh.kube.Get(ctx, client.ObjectKeyFromObject(sh.record), sh.record); err != nil {
			return err
		}
		if !ok(sh.record.Status.AtProvider) {
			return errors.Errorf("%s: %+v", describe(sh.record), sh.record.Status.AtProvider)
		}
		return nil
	})
}

// TestShard: what becomes of a shard is seen without the poll, which is an hour away: a new leader by the records of the poolers, a
// pod by its own events, a question by the change of the specification. What a pooler that died hard left behind goes, in the right
// order, and nothing of those who live. The record goes after the last pod, and leaves nothing.
func TestShard(t *testing.T) {
	t.Parallel()
	s := begin(t)
	sh := s.shard()
	s.provider()
	s.create(sh.record)
	s.ready(sh.record)
	a, b, c := sh.poolers[0], sh.poolers[1], sh.poolers[2]

	// The record rests: only the topology tells that roles change.
	sh.Kill(a)
	s.must(sh.Step(s.Context()))
	began := time.Now()
	sh.observed("the new leader", func(o v1alpha1.ShardRecordObservation) bool { return o.Leader == b.Name && o.Term == 2 })
	s.notef("new leader seen after %.1f s", time.Since(began).Seconds())
	s.must(sh.Start(s.Context(), a))
	s.must(sh.Step(s.Context()))
	s.ready(sh.record)

	s.edit(sh.record, func() { sh.record.Spec.ForProvider.Probe = "1" })
	sh.observed("the echo of a question", func(o v1alpha1.ShardRecordObservation) bool { return o.Probe == "1" })

	uid := sh.record.Status.AtProvider.Poolers[2].PodUID
	if uid == "" {
		t.Errorf("the pod should be known: %+v", sh.record.Status.AtProvider.Poolers[2])
	}
	sh.dies(c)
	sh.observed("the pod is gone", func(o v1alpha1.ShardRecordObservation) bool {
		return o.Poolers[2].PodUID == "" && !o.Poolers[2].Reachable
	})
	s.never("one that is wanted is removed", func() bool { return !sh.registered(c) || len(sh.Cohort()) != 3 })

	s.edit(sh.record, func() {
		sh.record.Spec.ForProvider.Poolers, sh.record.Spec.ForProvider.Removed = sh.listed(a, b), sh.listed(c)
	})
	sh.observed("nothing is left of it", func(o v1alpha1.ShardRecordObservation) bool { return len(o.Poolers) == 2 && len(o.Leftovers) == 0 })
	if sh.registered(c) || slices.Contains(sh.Cohort(), c) || len(sh.Cohort()) != 2 {
		t.Errorf("it should be neither registered nor a member: cohort %v", sh.Cohort())
	}
	s.condition(sh.record, shardstate.TypeLeftoversRemoved, corev1.ConditionTrue, shardstate.ReasonNothingLeft)

	s.remove(sh.record)
	s.never("a shard goes whose pods live", func() bool { return !sh.registered(a) || !sh.registered(b) })
	sh.dies(a)
	sh.dies(b)
	s.gone(sh.record)
	if sh.registered(a) || sh.registered(b) {
		t.Errorf("nothing should be left of the poolers")
	}
	resp, err := sh.raw.Get(s.Context(), s.root+"/databases/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	s.must(err)
	if resp.Count > 0 {
		t.Errorf("the claim should be gone, so that a shard of the same name can begin")
	}
}

// TestShardSecret: without what it needs to speak to its poolers a shard says which field is in the way, and goes on as soon as the
// Secret is there.
func TestShardSecret(t *testing.T) {
	t.Parallel()
	s := begin(t)
	sh := s.shard()
	s.provider()
	sh.record.Spec.ForProvider.TLS = &v1alpha1.ShardTLS{CASecretName: "ca", CertSecretName: "cert"}
	s.create(sh.record)
	says := func(what string, reason xpv2.ConditionReason) {
		s.Helper()
		s.until("the record names "+what, func(ctx context.Context) error {
			if err := s.kube.Get(ctx, client.ObjectKeyFromObject(sh.record), sh.record); err != nil {
				return err
			}
			c := sh.record.GetCondition(xpv2.TypeSynced)
			if c.Status != corev1.ConditionFalse || !strings.Contains(c.Message, what) || sh.record.GetCondition("Settled").Reason != reason {
				return errors.New(describe(sh.record))
			}
			return nil
		})
	}
	says("spec.forProvider.tls.caSecretName", "SecretMissing")
	ca := s.opaque("ca", map[string]string{"other": "x"})
	says("lacks ca.crt", "SecretMissing")
	s.edit(ca, func() { ca.StringData = map[string]string{"ca.crt": "nonsense"} })
	says("spec.forProvider.tls.certSecretName", "SecretMissing")
	s.opaque("cert", map[string]string{"tls.crt": "x", "tls.key": "y"})
	says("no certificate in ca.crt", "ConfigInvalid")
	s.edit(sh.record, func() { sh.record.Spec.ForProvider.TLS = nil })
	s.ready(sh.record)
}

// TestShardCrash: the provider dies before, between and after the changes that removing a pooler takes, and that deleting a shard takes.
// The next one goes on where it was.
func TestShardCrash(t *testing.T) {
	t.Parallel()
	s := begin(t)
	sh := s.shard()
	a, b, c := sh.poolers[0], sh.poolers[1], sh.poolers[2]
	sh.dies(c)
	sh.record.Spec.ForProvider.Poolers, sh.record.Spec.ForProvider.Removed = sh.listed(a, b), sh.listed(c)
	died := func(points ...string) {
		for _, point := range points {
			r := s.launch(append([]option{env("FAULT=" + point)}, alone...)...)
			if sh.record.GetUID() == "" {
				s.create(sh.record)
			}
			select {
			case <-r.Exited():
			case <-time.After(patience):
				s.Fatalf("%s: it should have died: %s", point, r.Tail(4000))
			}
		}
	}
	died("after-lock:kill:1", "after-external:kill:1", "before-unlock:kill:1")
	r := s.launch(alone...)
	sh.observed("nothing is left of it", func(o v1alpha1.ShardRecordObservation) bool { return len(o.Poolers) == 2 && len(o.Leftovers) == 0 })
	s.ready(sh.record)
	if sh.registered(c) || !sh.registered(a) || !sh.registered(b) || len(sh.Cohort()) != 2 {
		t.Errorf("what is gone should be removed, and nothing else: %v", sh.Cohort())
	}
	if _, subterm := sh.Rule(); subterm != 1 {
		t.Errorf("the cohort should have changed once: %d", subterm)
	}

	// The same while the shard is deleted.
	r.Kill()
	sh.dies(a)
	sh.dies(b)
	s.remove(sh.record)
	died("after-lock:kill:1", "after-external:kill:1", "after-external:kill:1", "before-unlock:kill:1")
	s.launch(alone...)
	s.gone(sh.record)
	if sh.registered(a) || sh.registered(b) {
		t.Error("nothing should be left of the poolers")
	}
	s.notef("7 crashes, in 3 places")
}
