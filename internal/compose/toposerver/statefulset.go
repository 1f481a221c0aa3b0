package toposerver

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// etcd's ports. Health is asked for at the metrics port, which never needs a client certificate.
const (
	portClient  int32 = 2379
	portPeer    int32 = 2380
	portMetrics int32 = 2381
)

const (
	dataVolume = "data"
	dataPath   = "/var/lib/etcd"

	// etcd's backend may take this share of its volume; the rest is for its write-ahead log and snapshots.
	quotaPercent = 60
	// maxQuota is the largest backend that etcd's documentation recommends.
	maxQuota = 8 << 30

	// grace lets a member hand over leadership and flush.
	gracePeriod int64 = 60
)

func buildStatefulSet(t server, live object.Object) *appsv1.StatefulSet {
	size := storageSize(t, live)
	selector := naming.Selector(t.labels)
	pod := workload.Pod(t.Spec.ImagePullSpec, workload.UserMultigres, workload.UserMultigres, workload.Placement{
		NodeSelector: t.Spec.NodeSelector,
		Tolerations:  workload.Tolerations(t.Spec.Placement),
		Peers:        selector,
	})
	grace := gracePeriod
	pod.TerminationGracePeriodSeconds = &grace
	pod.Containers = []corev1.Container{{
		Name:            "etcd",
		Image:           string(t.etcd.Image),
		ImagePullPolicy: t.Spec.ImagePullPolicy,
		Env:             env(t, size),
		Ports: []corev1.ContainerPort{
			workload.Port("client", portClient), workload.Port("peer", portPeer), workload.Port("metrics", portMetrics),
		},
		Resources:       t.etcd.Resources,
		VolumeMounts:    []corev1.VolumeMount{{Name: dataVolume, MountPath: dataPath}},
		StartupProbe:    workload.Startup(workload.Endpoint{Path: "/readyz", Port: portMetrics}),
		LivenessProbe:   workload.Liveness(workload.Endpoint{Path: "/livez", Port: portMetrics}),
		ReadinessProbe:  workload.Readiness(workload.Endpoint{Path: "/readyz", Port: portMetrics}),
		SecurityContext: workload.Restricted(),
		// The provider knows by etcd's last words that a member has lost its data.
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}}
	replicas := t.replicas
	return &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: metav1.ObjectMeta{Name: t.Name, Labels: t.labels},
		Spec: appsv1.StatefulSetSpec{
			Replicas:    &replicas,
			ServiceName: t.headless(),
			// All members at once: with a static bootstrap none becomes ready alone.
			PodManagementPolicy: appsv1.ParallelPodManagement,
			Selector:            &metav1.LabelSelector{MatchLabels: selector},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: t.labels, Annotations: workload.PodAnnotations(nil, project(t))},
				Spec:       pod,
			},
			VolumeClaimTemplates:                 []corev1.PersistentVolumeClaim{claimTemplate(t, size)},
			PersistentVolumeClaimRetentionPolicy: retention(t),
		},
	}
}

func project(t server) string {
	if t.Spec.ProjectRef != "" {
		return t.Spec.ProjectRef
	}
	return t.labels[naming.LabelCluster]
}

func env(t server, size resource.Quantity) []corev1.EnvVar {
	self := "$(POD_NAME)." + t.headless() + ".$(POD_NAMESPACE).svc"
	url := func(host string, port int32) string { return fmt.Sprintf("http://%s:%d", host, port) }
	members := make([]string, 0, t.replicas)
	for i := range t.replicas {
		name := t.Name + "-" + strconv.Itoa(int(i))
		members = append(members, name+"="+url(name+"."+t.headless()+".$(POD_NAMESPACE).svc", portPeer))
	}
	return []corev1.EnvVar{
		workload.FromField("POD_NAME", "metadata.name"),
		workload.FromField("POD_NAMESPACE", "metadata.namespace"),
		{Name: "ETCD_NAME", Value: "$(POD_NAME)"},
		{Name: "ETCD_DATA_DIR", Value: dataPath + "/data"},
		{Name: "ETCD_LISTEN_CLIENT_URLS", Value: url("[::]", portClient)},
		{Name: "ETCD_LISTEN_PEER_URLS", Value: url("[::]", portPeer)},
		{Name: "ETCD_LISTEN_METRICS_URLS", Value: url("[::]", portMetrics)},
		{Name: "ETCD_ADVERTISE_CLIENT_URLS", Value: url(self, portClient)},
		{Name: "ETCD_INITIAL_ADVERTISE_PEER_URLS", Value: url(self, portPeer)},
		{Name: "ETCD_INITIAL_CLUSTER", Value: strings.Join(members, ",")},
		{Name: "ETCD_INITIAL_CLUSTER_STATE", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: joinState(t)}},
		{Name: "ETCD_INITIAL_CLUSTER_TOKEN", Value: t.Name},
		{Name: "ETCD_AUTO_COMPACTION_MODE", Value: "periodic"},
		{Name: "ETCD_AUTO_COMPACTION_RETENTION", Value: "1h"},
		{Name: "ETCD_QUOTA_BACKEND_BYTES", Value: strconv.FormatInt(min(size.Value()/100*quotaPercent, maxQuota), 10)},
	}
}

// joinState is how a member starts that the provider has something to tell. Without it etcd takes its cluster for new, and refuses to start a
// member that has no data and has been there before; the provider replaces such a one, and has it join. It is a Secret since the provider
// may write no ConfigMaps.
func joinState(t server) *corev1.SecretKeySelector {
	return &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: naming.TopoServerJoinSecret(t.Name)}, Key: naming.KeyTopoJoinState, Optional: ptr.To(true),
	}
}

// storageSize returns the size of the members' volumes. The claim template of a StatefulSet never changes, so one that exists
// keeps the size it was made with.
func storageSize(t server, live object.Object) resource.Quantity {
	if q, ok := liveSize(live); ok {
		return q
	}
	return wantedSize(t)
}

func wantedSize(t server) resource.Quantity {
	if t.etcd.Storage.Size == "" {
		return resource.MustParse(defaultSize)
	}
	return resource.MustParse(t.etcd.Storage.Size) // Validated before.
}

func liveSize(live object.Object) (resource.Quantity, bool) {
	for _, c := range live.List("spec", "volumeClaimTemplates") {
		if q, err := object.ParseQuantity(c.String("spec", "resources", "requests", "storage")); err == nil {
			return q, true
		}
	}
	return resource.Quantity{}, false
}

func claimTemplate(t server, size resource.Quantity) corev1.PersistentVolumeClaim {
	modes := t.etcd.Storage.AccessModes
	if len(modes) == 0 {
		modes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	}
	c := corev1.PersistentVolumeClaim{
		// The API server adds kind and version to the templates of a StatefulSet.
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
		ObjectMeta: metav1.ObjectMeta{Name: dataVolume, Labels: naming.Selector(t.labels)},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: modes,
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: size}},
		},
	}
	if class := t.etcd.Storage.Class; class != "" {
		c.Spec.StorageClassName = &class
	}
	return c
}

// retention returns what happens to the members' volumes, which the policy decides here as everywhere: by default they stay.
func retention(t server) *appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy {
	policy := func(pick func(*v1alpha1.PVCDeletionPolicy) v1alpha1.PVCRetentionPolicy) appsv1.PersistentVolumeClaimRetentionPolicyType {
		for _, p := range []*v1alpha1.PVCDeletionPolicy{t.etcd.PVCDeletionPolicy, t.Spec.PVCDeletionPolicy} {
			if p == nil || pick(p) == "" {
				continue
			}
			return appsv1.PersistentVolumeClaimRetentionPolicyType(pick(p))
		}
		return appsv1.RetainPersistentVolumeClaimRetentionPolicyType
	}
	return &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
		WhenDeleted: policy(func(p *v1alpha1.PVCDeletionPolicy) v1alpha1.PVCRetentionPolicy { return p.WhenDeleted }),
		WhenScaled:  policy(func(p *v1alpha1.PVCDeletionPolicy) v1alpha1.PVCRetentionPolicy { return p.WhenScaled }),
	}
}
