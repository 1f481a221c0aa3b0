package resolve

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// workloadDefaults are the built-in size of a component. CPU is never limited: a throttled PostgreSQL, or a throttled component
// in front of one, is slow for no gain.
type workloadDefaults struct {
	// replicas is the number of pods.
	replicas int32

	// cpu and memory are requests, memoryLimit is a limit, all Kubernetes quantities.
	cpu, memory, memoryLimit string
}

// Built-in sizes. They carry a small cluster; what a real one needs its owner knows.
var (
	multiadminDefaults    = workloadDefaults{replicas: 1, cpu: "100m", memory: "128Mi", memoryLimit: "256Mi"}
	multiadminWebDefaults = workloadDefaults{replicas: 1, cpu: "50m", memory: "64Mi", memoryLimit: "128Mi"}
	multigatewayDefaults  = workloadDefaults{replicas: 1, cpu: "100m", memory: "128Mi", memoryLimit: "256Mi"}
	multiorchDefaults     = workloadDefaults{replicas: 1, cpu: "50m", memory: "64Mi", memoryLimit: "128Mi"}
	multipoolerDefaults   = workloadDefaults{cpu: "100m", memory: "128Mi", memoryLimit: "256Mi"}
	postgresDefaults      = workloadDefaults{cpu: "100m", memory: "256Mi", memoryLimit: "512Mi"}

	// Three members survive the loss of one.
	etcdDefaults = workloadDefaults{replicas: 3, cpu: "100m", memory: "256Mi", memoryLimit: "512Mi"}
)

// Built-in sizes of volumes.
const (
	defaultDataSize   = "1Gi"
	defaultEtcdSize   = "1Gi"
	defaultBackupSize = "10Gi"
)

const (
	defaultLogLevel       v1alpha1.LogLevel = "info"
	defaultPoolName       v1alpha1.PoolName = "default"
	defaultBackupPath                       = "/backups"
	defaultImplementation                   = "etcd"
)

// defaultPVC keeps data until somebody says otherwise.
var defaultPVC = v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCRetain, WhenScaled: v1alpha1.PVCRetain}

// resources returns a fresh copy of the built-in resources.
func (d workloadDefaults) resources() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse(d.cpu),
			corev1.ResourceMemory: resource.MustParse(d.memory),
		},
		Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(d.memoryLimit)},
	}
}

// apply fills in what a component leaves out.
func (d workloadDefaults) apply(s *v1alpha1.StatelessSpec) {
	if s.Replicas == nil {
		s.Replicas = ptr.To(d.replicas)
	}
	d.applyResources(&s.Resources)
}

// applyResources fills in resources that are left out altogether.
func (d workloadDefaults) applyResources(r *corev1.ResourceRequirements) {
	if !hasResources(*r) {
		*r = d.resources()
	}
}

// applyStorage fills in what a volume leaves out.
func applyStorage(s *v1alpha1.StorageSpec, size string, mode corev1.PersistentVolumeAccessMode) {
	s.Size = cmp.Or(s.Size, size)
	if len(s.AccessModes) == 0 {
		s.AccessModes = []corev1.PersistentVolumeAccessMode{mode}
	}
}

// applyBuffer switches buffering on where nobody switched it off. The rest stays the gateway's own.
func applyBuffer(g *v1alpha1.MultigatewaySpec) {
	if g.Buffer == nil {
		g.Buffer = &v1alpha1.GatewayBufferSpec{}
	}
	if g.Buffer.Enabled == nil {
		g.Buffer.Enabled = ptr.To(true)
	}
}

// applyEtcd fills in what a managed etcd leaves out. Its policy goes up to the object that owns it, so that there is only one.
func applyEtcd(e *v1alpha1.EtcdSpec, image string, root v1alpha1.RootPath, above v1alpha1.PVCDeletionPolicy) *v1alpha1.PVCDeletionPolicy {
	policy := inheritPVC(e.PVCDeletionPolicy, above)
	e.PVCDeletionPolicy = nil
	e.Image = cmp.Or(e.Image, v1alpha1.ImageRef(image))
	e.RootPath = cmp.Or(e.RootPath, root)
	if e.Replicas == nil {
		e.Replicas = ptr.To(etcdDefaults.replicas)
	}
	applyStorage(&e.Storage, defaultEtcdSize, corev1.ReadWriteOnce)
	etcdDefaults.applyResources(&e.Resources)
	return &policy
}

// defaultReplicasPerCell makes at least three instances in all cells together: with two, the loss of one stops writes.
func defaultReplicasPerCell(cells int) int32 {
	switch cells {
	case 0, 1:
		return 3
	case 2:
		return 2
	}
	return 1
}

// applyPool fills in what a pool leaves out.
func applyPool(p *v1alpha1.PoolSpec, cells []v1alpha1.CellName, above v1alpha1.PVCDeletionPolicy) {
	p.Type = cmp.Or(p.Type, v1alpha1.PoolReadWrite)
	if len(p.Cells) == 0 {
		p.Cells = slices.Clone(cells)
	}
	if p.ReplicasPerCell == nil {
		p.ReplicasPerCell = ptr.To(defaultReplicasPerCell(len(p.Cells)))
	}
	applyStorage(&p.Storage, defaultDataSize, corev1.ReadWriteOnce)
	postgresDefaults.applyResources(&p.Postgres.Resources)
	multipoolerDefaults.applyResources(&p.Multipooler.Resources)
	p.PVCDeletionPolicy = ptr.To(inheritPVC(p.PVCDeletionPolicy, above))
}
