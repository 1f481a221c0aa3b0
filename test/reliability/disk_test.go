package reliability

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/test/bed"
)

// smallDisk is how much the small disk holds: a data directory, a few segments of the log, and little more.
const smallDisk = "384Mi"

// TestDiskFull gives the shard a fourth instance on a small disk, and fills the disk. The others go on and the cluster says what is wrong; once
// there is room again the instance comes back by itself.
func TestDiskFull(t *testing.T) {
	s := watch(t, the(t))
	n := shared.Nodes()[0]
	dir := mountSmall(t, n)
	s.strike("instance on a small disk added", func() {
		s.cluster.change(t, func(spec *v1alpha1.MultigresClusterSpec) {
			shard(spec).Pools["small"] = v1alpha1.PoolSpec{
				Cells: []v1alpha1.CellName{cells[0]}, ReplicasPerCell: ptr.To[int32](1), Storage: v1alpha1.StorageSpec{Class: "small", Size: smallDisk},
			}
		})
	})
	s.recovered(s.instances(4))

	s.strike("its disk is full", func() { fill(t, n, dir) })
	s.resumed(s.notReady("small"))
	s.strike("there is room again", func() { inNode(t, n, "rm", filepath.Join(dir, "ballast")) })
	s.recovered()
	s.strike("instance on the small disk removed", func() {
		s.cluster.change(t, func(spec *v1alpha1.MultigresClusterSpec) { delete(shard(spec).Pools, "small") })
	})
	s.recovered(s.instances(3))
	s.volumesKept()
	s.endOfOtherVolumes()
}

// mountSmall makes a disk of a node that is small, and a volume of it for whoever asks for the class. It returns where the disk is.
func mountSmall(t *testing.T, n bed.Node) string {
	t.Helper()
	dir := filepath.Join(shared.NodeDir(n), "small")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	inNode(t, n, "mount", "-t", "tmpfs", "-o", "size="+strings.TrimSuffix(smallDisk, "i")+",mode=0777", "small", dir)
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: "small"}, Provisioner: "kubernetes.io/no-provisioner",
		VolumeBindingMode: ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
	}
	volume := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "small"}, Spec: corev1.PersistentVolumeSpec{
		StorageClassName: "small", AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
		Capacity:               corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(smallDisk)},
		PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: dir}},
		NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{n.Name()}}},
		}}}},
	}}
	for _, o := range []client.Object{class, volume} {
		if err := client.IgnoreAlreadyExists(shared.client.Create(t.Context(), o)); err != nil {
			t.Fatalf("cannot make small volume: %v", err)
		}
		t.Cleanup(func() { _ = shared.client.Delete(context.WithoutCancel(t.Context()), o) })
	}
	return dir
}

// fill a disk to the last byte, and keep it full for as long as PostgreSQL may find room by itself.
func fill(t *testing.T, n bed.Node, dir string) {
	t.Helper()
	for range 5 {
		inNode(t, n, "sh", "-c", fmt.Sprintf("cat /dev/zero >>%s/ballast 2>/dev/null || true", dir))
		time.Sleep(time.Second)
	}
}

// inNode runs a program among a node's mounts.
func inNode(t *testing.T, n bed.Node, argv ...string) {
	t.Helper()
	args := append([]string{"--mount", fmt.Sprintf("--target=%d", shared.First(n.Name())), "--"}, argv...)
	if out, err := exec.CommandContext(t.Context(), "nsenter", args...).CombinedOutput(); err != nil {
		t.Fatalf("cannot run %s on node %s: %v: %s", argv[0], n.Name(), err, out)
	}
}

// notReady waits until a pool's only pod is not ready, and the cluster says so.
func (s *scenario) notReady(pool string) func(context.Context) error {
	return func(ctx context.Context) error {
		pods, err := s.cluster.poolers(ctx)
		if err != nil {
			return err
		}
		for i := range pods {
			if pods[i].GetLabels()[naming.LabelPool] == pool && ready(&pods[i]) {
				return errors.Wrapf(errNotYet, "pod %s is ready", pods[i].GetName())
			}
		}
		r, err := s.cluster.record(ctx)
		if err != nil {
			return err
		}
		if c := r.GetCondition("Ready"); c.Status != corev1.ConditionFalse {
			return errors.Wrap(errNotYet, "nothing is known of it")
		}
		return nil
	}
}
