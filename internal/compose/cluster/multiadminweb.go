package cluster

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// portWebHTTP is the port of multiadmin-web.
const portWebHTTP int32 = 18100

// buildMultiAdminWeb builds the admin user interface. It gets no password: whoever uses it brings one.
func buildMultiAdminWeb(c *cluster) *appsv1.Deployment {
	page := workload.Endpoint{Path: "/", Port: portWebHTTP}
	return buildAdminDeployment(c, naming.MultiAdminWeb(c.Name), naming.ComponentMultiAdminWeb, c.MultiAdminWeb, corev1.Container{
		Image: c.Images.Set.MultiadminWeb,
		Env: []corev1.EnvVar{
			// Where it listens: all addresses, of both families.
			{Name: "HOSTNAME", Value: "::"},
			{Name: "MULTIADMIN_API_URL", Value: "http://" + naming.MultiAdmin(c.Name) + ":" + strconv.Itoa(int(portAdminHTTP))},
			{Name: "POSTGRES_HOST", Value: naming.MultiGateway(c.Name)},
			{Name: "POSTGRES_PORT", Value: strconv.Itoa(int(portPostgres))},
			{Name: "POSTGRES_DATABASE", Value: c.Databases[0].Name},
			{Name: "POSTGRES_USER", Value: c.Superuser},
		},
		Ports:          []corev1.ContainerPort{workload.Port("http", portWebHTTP)},
		StartupProbe:   workload.Startup(page),
		LivenessProbe:  workload.Liveness(page),
		ReadinessProbe: workload.Readiness(page),
	}, nil)
}

func buildMultiAdminWebService(c *cluster) *corev1.Service {
	out := buildService(c, naming.MultiAdminWeb(c.Name), naming.ComponentMultiAdminWeb, workload.ServicePort("http", portWebHTTP))
	if c.ExternalAdminWeb.IsEnabled() {
		expose(out, c.ExternalAdminWeb)
	}
	return out
}
