package reliability

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// TestScale adds a pool of two instances to the three that there are, and takes it away. Their volumes stay, as the policy says.
func TestScale(t *testing.T) {
	s := watch(t, the(t))
	s.strike("scaled from 3 to 5", func() {
		s.cluster.change(t, func(spec *v1alpha1.MultigresClusterSpec) {
			shard(spec).Pools["more"] = v1alpha1.PoolSpec{Cells: []v1alpha1.CellName{cells[0], cells[1]}, ReplicasPerCell: ptr.To[int32](1)}
		})
	})
	s.recovered(s.instances(5))
	s.strike("scaled from 5 to 3", func() {
		s.cluster.change(t, func(spec *v1alpha1.MultigresClusterSpec) { delete(shard(spec).Pools, "more") })
	})
	s.recovered(s.instances(3))
	s.volumesKept()
	s.endOfOtherVolumes()
}

// TestCell takes a cell out of the cluster, and puts it back.
func TestCell(t *testing.T) {
	s := watch(t, the(t))
	var cell v1alpha1.CellConfig
	leader := s.cluster.leader(t)
	leads := leader.GetLabels()[naming.LabelCell]
	s.strike("cell of a replica removed", func() {
		s.cluster.change(t, func(spec *v1alpha1.MultigresClusterSpec) {
			i := slices.IndexFunc(spec.Cells, func(c v1alpha1.CellConfig) bool { return string(c.Name) != leads })
			cell = spec.Cells[i]
			spec.Cells = slices.Delete(spec.Cells, i, i+1)
		})
	})
	s.recovered(s.instances(2), s.cellGone(cell.Name))
	s.strike("cell added again", func() {
		s.cluster.change(t, func(spec *v1alpha1.MultigresClusterSpec) { spec.Cells = append(spec.Cells, cell) })
	})
	s.recovered(s.instances(3))
	s.end()
}

// TestVolumeWiped deletes a replica's volume for good, with its pod. It is made anew from the backup.
func TestVolumeWiped(t *testing.T) {
	s := watch(t, the(t))
	replica := s.cluster.replica(t)
	s.strike("replica's volume wiped", func() { wipe(t, replica) })
	s.recovered(replaced(replica), func(context.Context) error {
		if s.cluster.volumes(t)[claim(&replica)] == s.volumes[claim(&replica)] {
			return errors.Wrap(errNotYet, "the volume is still the same")
		}
		return nil
	})
	delete(s.volumes, claim(&replica))
	s.volumesKept()
	s.endOfOtherVolumes()
}

// instances waits until there are so many.
func (s *scenario) instances(want int32) func(context.Context) error {
	return func(ctx context.Context) error {
		shard, err := s.cluster.shard(ctx)
		if err != nil {
			return err
		}
		if shard.Status.DesiredReplicas != want || len(shard.Status.Retiring) > 0 {
			return errors.Wrapf(errNotYet, "%d instances are wanted, %d are leaving; want %d", shard.Status.DesiredReplicas, len(shard.Status.Retiring), want)
		}
		return nil
	}
}

// cellGone waits until nothing is left of a cell.
func (s *scenario) cellGone(name v1alpha1.CellName) func(context.Context) error {
	return func(ctx context.Context) error {
		mgc, err := s.cluster.get(ctx)
		if err != nil {
			return err
		}
		if _, ok := mgc.Status.Cells[name]; ok || len(mgc.Status.Retiring) > 0 {
			return errors.Wrapf(errNotYet, "cells %v, leaving %v", slices.Collect(maps.Keys(mgc.Status.Cells)), mgc.Status.Retiring)
		}
		return nil
	}
}

// volumesKept fails if one of the volumes of the scenario's beginning is not there any more.
func (s *scenario) volumesKept() {
	s.Helper()
	now := s.cluster.volumes(s.T)
	for name, uid := range s.volumes {
		if now[name] != uid {
			s.Errorf("volume %s was replaced or lost", name)
		}
	}
}
