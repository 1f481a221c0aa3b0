package cluster

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// addAdmin adds the admin API and its user interface.
func (a *assembly) addAdmin() {
	secret := a.c.internalTLS(naming.ComponentMultiAdmin)
	sealed := secret == "" || a.s.IsReady(naming.KeyInternalTLS(naming.ComponentMultiAdmin))
	a.add(naming.KeyMultiAdminService, buildMultiAdminService(a.c))
	a.addWhen(sealed, "TLSCertificate "+secret, naming.KeyMultiAdminDeployment, a.renewed(buildMultiAdmin(a.c)))
	if several(a.c.MultiAdmin) {
		a.add(naming.KeyMultiAdminPDB, buildAdminPDB(a.c, naming.MultiAdmin(a.c.Name), naming.ComponentMultiAdmin))
	}

	a.add(naming.KeyMultiAdminWebService, buildMultiAdminWebService(a.c))
	a.add(naming.KeyMultiAdminWebDeployment, buildMultiAdminWeb(a.c))
	if several(a.c.MultiAdminWeb) {
		a.add(naming.KeyMultiAdminWebPDB, buildAdminPDB(a.c, naming.MultiAdminWeb(a.c.Name), naming.ComponentMultiAdminWeb))
	}
}

// renewed makes new pods of the admin API whenever the certificate that it shows to other components has been renewed.
func (a *assembly) renewed(d *appsv1.Deployment) *appsv1.Deployment {
	if a.c.InternalTLS {
		n := workload.Renewals(workload.HeldRenewals(a.s.Observed(naming.KeyMultiAdminDeployment)),
			a.s.Observed(naming.KeyInternalTLS(naming.ComponentMultiAdmin)))
		d.Spec.Template.Annotations = workload.WithRenewals(d.Spec.Template.Annotations, n)
	}
	return d
}

func several(a resolve.Admin) bool { return ptr.Deref(a.Spec.Replicas, 0) > 1 }

// buildAdminDeployment builds a Deployment of an admin component with everything but its container's own.
func buildAdminDeployment(c *cluster, name, component string, admin resolve.Admin, container corev1.Container, volumes []workload.Volume) *appsv1.Deployment {
	labels := c.labels(component)
	selector := naming.Selector(labels)
	pod := workload.Pod(c.Images.Pull, workload.UserMultigres, workload.UserMultigres, workload.Placement{
		Tolerations: workload.Tolerations(admin.Placement),
		Affinity:    admin.Spec.Affinity,
		Peers:       selector,
	})
	pod.Volumes = workload.Volumes(volumes)
	container.Name = component
	container.ImagePullPolicy = c.Images.Pull.ImagePullPolicy
	container.Resources = admin.Spec.Resources
	container.VolumeMounts = workload.Mounts(volumes)
	container.SecurityContext = workload.Restricted()
	pod.Containers = []corev1.Container{container}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: admin.Spec.Replicas,
			Selector: &metav1.LabelSelector{MatchLabels: selector},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      naming.Merge(admin.Spec.PodLabels, labels),
					Annotations: workload.PodAnnotations(admin.Spec.PodAnnotations, c.project),
				},
				Spec: pod,
			},
		},
	}
}

// buildAdminPDB builds the budget that lets one replica of an admin component go at a time. It is named after the component's
// Deployment.
func buildAdminPDB(c *cluster, deployment, component string) *policyv1.PodDisruptionBudget {
	labels := c.labels(component)
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: metav1.ObjectMeta{Name: naming.WorkloadPDB(deployment), Labels: labels},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable: ptr.To(intstr.FromInt32(1)),
			Selector:       &metav1.LabelSelector{MatchLabels: naming.Selector(labels)},
		},
	}
}
