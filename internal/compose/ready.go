package compose

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// Groups whose kinds report their readiness by a condition of type Ready, as all Crossplane resources do.
const (
	groupComposite = "multigres.com"
	groupManaged   = "m.multigres.com"
)

// readiness holds one rule per kind. A kind without a rule is ready as soon as it exists, which is right for things that have
// nothing to do but be there: Services, ConfigMaps, Secrets, budgets, provider configurations.
var readiness = map[schema.GroupKind]func(object.Object) bool{
	{Kind: "Pod"}:                        podReady,
	{Group: "apps", Kind: "Deployment"}:  deploymentReady,
	{Group: "apps", Kind: "StatefulSet"}: statefulSetReady,
}

// alwaysReady are the kinds of our own groups that have no conditions.
var alwaysReady = map[string]bool{"ProviderConfig": true, "ClusterProviderConfig": true}

// Ready is true if the observed resource does what it is there for. A resource that does not exist, or that is being deleted,
// is never ready.
func Ready(o object.Object) bool {
	if !o.Exists() || o.Deleting() {
		return false
	}
	gk := o.GroupKind()
	if f, ok := readiness[gk]; ok {
		return f(o)
	}
	if (gk.Group == groupComposite || gk.Group == groupManaged) && !alwaysReady[gk.Kind] {
		return o.IsTrue("Ready")
	}
	return true
}

func podReady(o object.Object) bool { return o.IsTrue("Ready") }

// deploymentReady is true once every replica of the latest template is available and no older one is left.
func deploymentReady(o object.Object) bool {
	want := replicas(o)
	st := o.At("status")
	return st.Int("observedGeneration") >= o.Generation() &&
		st.Int("updatedReplicas") >= want &&
		st.Int("availableReplicas") >= want &&
		st.Int("replicas") <= max(want, st.Int("updatedReplicas"))
}

// statefulSetReady is true once every replica is ready and of the latest revision.
func statefulSetReady(o object.Object) bool {
	want := replicas(o)
	st := o.At("status")
	return st.Int("observedGeneration") >= o.Generation() &&
		st.Int("readyReplicas") >= want &&
		(st.String("updateRevision") == "" || st.String("updateRevision") == st.String("currentRevision"))
}

// replicas returns how many replicas a workload wants; Kubernetes takes one where it does not say.
func replicas(o object.Object) int64 {
	if !o.Has("spec", "replicas") {
		return 1
	}
	return o.Int("spec", "replicas")
}

// restartLimit is the number of restarts from which a terminated container counts as crash-looping.
const restartLimit = 3

// CrashLooping is true if a container of the pod keeps failing: it waits in a back-off, its image cannot be pulled, or it
// terminated after several restarts. A pod that is being deleted does not count.
func CrashLooping(pod object.Object) bool {
	if pod.Deleting() {
		return false
	}
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, c := range pod.List("status", list) {
			switch c.String("state", "waiting", "reason") {
			case "CrashLoopBackOff", "OOMKilled", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError":
				return true
			}
			if c.Has("state", "terminated") && c.Int("state", "terminated", "exitCode") != 0 && c.Int("restartCount") >= restartLimit {
				return true
			}
		}
	}
	return false
}
