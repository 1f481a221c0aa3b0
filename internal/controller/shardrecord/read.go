package shardrecord

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

type (
	poolerRecord = topo.Record[*clustermetadatapb.MultiPooler]
	orchRecord   = topo.Record[*clustermetadatapb.MultiOrch]
	claimRecord  = topo.Record[*clustermetadatapb.ShardInitClaim]
)

// errNoCell is why a cell cannot be read: nothing says where its records are.
var errNoCell = errors.New("the topology has no record of the cell")

// view is what the topology and the API server hold of a shard.
type view struct {
	params v1alpha1.ShardRecordParameters

	cells map[string]shardstate.Cell
	// stores of the cells that were read, and why others were not.
	stores map[string]*topo.Store
	failed map[string]error
	places map[string]Place

	poolers map[shardstate.ID]poolerRecord
	orchs   map[shardstate.ID]orchRecord
	claim   claimRecord
	pods    map[string]shardstate.Pod
}

// read what the topology and the API server hold. An error means that the global topology or the API server does not answer.
func (e *external) read(ctx context.Context, mg *v1alpha1.ShardRecord) (*view, error) {
	v := &view{
		params: mg.Spec.ForProvider, cells: map[string]shardstate.Cell{}, stores: map[string]*topo.Store{}, failed: map[string]error{},
		places:  map[string]Place{},
		poolers: map[shardstate.ID]poolerRecord{}, orchs: map[shardstate.ID]orchRecord{}, pods: map[string]shardstate.Pod{},
	}
	p := v.params
	claim, err := e.conn.Store().ShardInitClaims().Get(ctx, topo.ShardInitClaimPath(p.Database, p.TableGroup, p.Shard))
	if err != nil && !errors.Is(err, topo.ErrAbsent) {
		return nil, err
	}
	v.claim = claim
	if err := e.readCells(ctx, v); err != nil {
		return nil, err
	}
	return v, e.readPods(ctx, mg.GetNamespace(), v)
}

// cell is what one cell holds.
type cell struct {
	name    string
	record  topo.Record[*clustermetadatapb.Cell]
	store   *topo.Store
	poolers []poolerRecord
	orchs   []orchRecord
	err     error
}

// readCells reads all cells at the same time, so that one that does not answer delays no other.
func (e *external) readCells(ctx context.Context, v *view) error {
	cells := make([]cell, len(v.params.Cells))
	each(cells, func(i int, c *cell) {
		c.name = v.params.Cells[i]
		c.record, c.err = e.conn.Store().Cells().Get(ctx, topo.CellPath(c.name))
	})
	for i := range cells {
		c := &cells[i]
		if errors.Is(c.err, topo.ErrAbsent) {
			c.err = errors.Wrapf(errNoCell, "cannot read cell %s", c.name)
			continue
		}
		if c.err != nil {
			return c.err
		}
		v.places[c.name] = Place{Endpoints: c.record.Message.GetServerAddresses(), Root: c.record.Message.GetRoot()}
		c.store, c.err = e.conn.At(v.places[c.name].Endpoints, v.places[c.name].Root, wakes(v.params, c.name)...)
	}
	each(cells, func(_ int, c *cell) {
		if c.err == nil {
			c.poolers, c.err = c.store.MultiPoolers().List(ctx)
		}
		if c.err == nil {
			c.orchs, c.err = c.store.MultiOrchs().List(ctx)
		}
	})
	for _, c := range cells {
		if c.err != nil {
			v.failed[c.name] = c.err
			continue
		}
		v.add(c)
	}
	return nil
}

// each calls a function for all cells at the same time.
func each(cells []cell, f func(i int, c *cell)) {
	var wg sync.WaitGroup
	for i := range cells {
		wg.Go(func() { f(i, &cells[i]) })
	}
	wg.Wait()
}

// add what a cell holds of itself. Cells may share a topology.
func (v *view) add(c cell) {
	s := shardstate.Cell{Reachable: true}
	for _, r := range c.poolers {
		if id := shardstate.IDOf(r.Message.GetId()); id.Cell == c.name && shardstate.Member(v.params, r.Message) {
			s.Poolers = append(s.Poolers, r.Message)
			v.poolers[id] = r
		}
	}
	for _, r := range c.orchs {
		if id := shardstate.IDOf(r.Message.GetId()); id.Cell == c.name {
			s.Orchestrators = append(s.Orchestrators, r.Message)
			v.orchs[id] = r
		}
	}
	v.cells[c.name], v.stores[c.name] = s, c.store
}

// readPods finds out which pods of the shard exist.
func (e *external) readPods(ctx context.Context, namespace string, v *view) error {
	for _, name := range v.podNames() {
		pod := podMetadata()
		err := e.kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, pod)
		if kerrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return errors.Wrapf(err, "cannot get pod %s", name)
		}
		v.pods[name] = shardstate.Pod{UID: pod.GetUID(), Terminating: pod.GetDeletionTimestamp() != nil}
	}
	return nil
}

// podMetadata is a pod of which only the metadata is read, so that the cache holds no more of all pods that there are.
func podMetadata() *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	return m
}

// podNames are the names of the pods of all poolers that are listed, and of all orchestrators that are registered.
func (v *view) podNames() []string {
	var out []string
	for _, p := range v.listed() {
		out = append(out, p.Pod)
	}
	for _, o := range shardstate.Orchestrators(v.params, v.cells) {
		out = append(out, o.Pod)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (v *view) listed() []v1alpha1.ShardPooler {
	return slices.Concat(v.params.Poolers, v.params.Removed)
}

// left is what is left of the shard's own.
func (v *view) left() left {
	l := left{}
	for name := range v.pods {
		l.pods = append(l.pods, name)
	}
	slices.Sort(l.pods)
	for _, p := range v.listed() {
		id := shardstate.ID{Cell: p.Cell, Name: p.ServiceID}
		if _, ok := v.poolers[id]; ok {
			l.poolers = append(l.poolers, id)
		}
	}
	for _, o := range shardstate.Orchestrators(v.params, v.cells) {
		l.orchs = append(l.orchs, o.ID)
	}
	l.claim = v.claim.Revision > 0 && v.ours(v.claim.Message)
	return l
}

// ours is true if one of the shard's orchestrators claimed it, or for one of its poolers. Another cluster's shard may have the
// same name in the same topology, although none should.
func (v *view) ours(c *clustermetadatapb.ShardInitClaim) bool {
	by := shardstate.IDOf(c.GetClaimerId())
	for _, o := range v.params.Orchestrators {
		if o.Cell == by.Cell && strings.HasPrefix(by.Name, o.ServiceIDPrefix+"-") {
			return true
		}
	}
	members := map[shardstate.ID]bool{}
	for _, m := range c.GetCohortMembers() {
		members[shardstate.IDOf(m)] = true
	}
	return slices.ContainsFunc(v.listed(), func(p v1alpha1.ShardPooler) bool {
		return members[shardstate.ID{Cell: p.Cell, Name: p.ServiceID}]
	})
}

// left is what is left of a shard.
type left struct {
	pods    []string
	poolers []shardstate.ID
	orchs   []shardstate.ID
	claim   bool
}

func (l left) none() bool { return len(l.pods)+len(l.poolers)+len(l.orchs) == 0 && !l.claim }

// String says what deletion waits for.
func (l left) String() string {
	switch {
	case len(l.pods) > 0:
		return "waits until these pods are gone: " + strings.Join(l.pods, ", ")
	case len(l.poolers)+len(l.orchs) > 0:
		return fmt.Sprintf("removes the records of %d poolers and %d orchestrators", len(l.poolers), len(l.orchs))
	default:
		return "removes the claim to the shard's initialization"
	}
}

// wakes are the paths in a cell's topology whose changes concern the shard.
func wakes(p v1alpha1.ShardRecordParameters, cell string) []topo.Path {
	var out []topo.Path
	for _, m := range slices.Concat(p.Poolers, p.Removed) {
		if m.Cell == cell {
			out = append(out, topo.MultiPoolerPath(m.Cell, m.ServiceID))
		}
	}
	return out
}
