package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

func TestBuildMultiAdmin(t *testing.T) {
	own := map[string]string{
		"app.kubernetes.io/name": "multigres", "app.kubernetes.io/instance": "orders", "app.kubernetes.io/component": "multiadmin",
		"app.kubernetes.io/part-of": "multigres", "app.kubernetes.io/managed-by": "crossplane-multigres", "multigres.com/cluster": "orders",
	}
	selector := map[string]string{"app.kubernetes.io/component": "multiadmin", "app.kubernetes.io/instance": "orders", "multigres.com/cluster": "orders"}
	get := func(path string) corev1.ProbeHandler {
		return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(18000)}}
	}
	want := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: "orders-multiadmin", Labels: own},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](1),
			Selector: &metav1.LabelSelector{MatchLabels: selector},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: own, Annotations: map[string]string{"multigres.com/project-ref": "orders"}},
				Spec: corev1.PodSpec{
					AutomountServiceAccountToken:  ptr.To(false),
					EnableServiceLinks:            ptr.To(false),
					TerminationGracePeriodSeconds: ptr.To[int64](60),
					SecurityContext: &corev1.PodSecurityContext{
						RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](65532), RunAsGroup: ptr.To[int64](65532), FSGroup: ptr.To[int64](65532),
						FSGroupChangePolicy: ptr.To(corev1.FSGroupChangeOnRootMismatch),
						SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
						PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
							Weight:          100,
							PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: "kubernetes.io/hostname", LabelSelector: &metav1.LabelSelector{MatchLabels: selector}},
						}},
					}},
					TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
						MaxSkew: 1, TopologyKey: "topology.kubernetes.io/zone", WhenUnsatisfiable: corev1.ScheduleAnyway,
						LabelSelector: &metav1.LabelSelector{MatchLabels: selector},
					}},
					Volumes: []corev1.Volume{},
					Containers: []corev1.Container{{
						Name:            "multiadmin",
						Image:           "ghcr.io/multigres/multigres:v0.1.0",
						ImagePullPolicy: corev1.PullIfNotPresent,
						Args: []string{
							"multiadmin",
							"--http-port=18000",
							"--grpc-port=18070",
							"--topo-global-server-addresses=orders-global-topo.app.svc:2379",
							"--topo-global-root=/multigres/global",
							"--service-map=grpc-multiadmin",
							"--hostname=$(POD_IP)",
							"--log-level=info",
						},
						Env: []corev1.EnvVar{{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}}},
						Ports: []corev1.ContainerPort{
							{Name: "http", ContainerPort: 18000, Protocol: corev1.ProtocolTCP},
							{Name: "grpc", ContainerPort: 18070, Protocol: corev1.ProtocolTCP},
						},
						Resources: corev1.ResourceRequirements{
							Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
							Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
						},
						VolumeMounts:   []corev1.VolumeMount{},
						StartupProbe:   &corev1.Probe{ProbeHandler: get("/ready"), PeriodSeconds: 5, FailureThreshold: 30},
						LivenessProbe:  &corev1.Probe{ProbeHandler: get("/live"), PeriodSeconds: 10},
						ReadinessProbe: &corev1.Probe{ProbeHandler: get("/ready"), PeriodSeconds: 5},
						SecurityContext: &corev1.SecurityContext{
							AllowPrivilegeEscalation: ptr.To(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
						},
					}},
				},
			},
		},
	}
	if diff := cmp.Diff(want, buildMultiAdmin(resolved(t, minimal))); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

func TestBuildMultiAdminEverything(t *testing.T) {
	same(t, "The topology is the one that was resolved, with its certificates; what is the user's is merged under ours.",
		buildMultiAdmin(resolved(t, everything, givenEverything...)), `
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders-multiadmin, labels: {`+labels("multiadmin")+`}}
spec:
  replicas: 2
  selector: {matchLabels: {app.kubernetes.io/component: multiadmin, app.kubernetes.io/instance: orders, multigres.com/cluster: orders}}
  template:
    metadata:
      labels: {`+labels("multiadmin")+`, team: dba}
      annotations: {multigres.com/project-ref: shop, note: x}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 60
      imagePullSecrets: [{name: registry}]
      tolerations: [{key: db, operator: Exists}]
      securityContext:
        {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, fsGroupChangePolicy: OnRootMismatch, seccompProfile: {type: RuntimeDefault}}
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 100
            podAffinityTerm:
              topologyKey: kubernetes.io/hostname
              labelSelector: {matchLabels: {app.kubernetes.io/component: multiadmin, app.kubernetes.io/instance: orders, multigres.com/cluster: orders}}
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: topology.kubernetes.io/zone
        whenUnsatisfiable: ScheduleAnyway
        labelSelector: {matchLabels: {app.kubernetes.io/component: multiadmin, app.kubernetes.io/instance: orders, multigres.com/cluster: orders}}
      volumes:
      - name: topology-tls
        projected:
          defaultMode: 292
          sources:
          - secret: {name: etcd-ca, items: [{key: ca.crt, path: ca.crt}]}
          - secret: {name: etcd-client, items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]}
      - {name: internal-tls, secret: {secretName: multiadmin.orders.app.multigres.internal, defaultMode: 292}}
      - {name: otel-sampling-config, configMap: {name: sampling}}
      containers:
      - name: multiadmin
        image: multiadmin:v9
        imagePullPolicy: Always
        args:
        - multiadmin
        - --http-port=18000
        - --grpc-port=18070
        - --topo-global-server-addresses=etcd-0.infra:2379,etcd-1.infra:2379
        - --topo-global-root=/multigres/app/orders/global
        - --topo-etcd-tls-cert=/etc/multigres/topology-tls/tls.crt
        - --topo-etcd-tls-key=/etc/multigres/topology-tls/tls.key
        - --topo-etcd-tls-ca=/etc/multigres/topology-tls/ca.crt
        - --service-map=grpc-multiadmin
        - --hostname=$(POD_IP)
        - --log-level=debug
        - --grpc-cert=/etc/multigres/tls/tls.crt
        - --grpc-key=/etc/multigres/tls/tls.key
        - --grpc-ca=/etc/multigres/tls/ca.crt
        - --grpc-server-ca=/etc/multigres/tls/ca.crt
        - --multipooler-grpc-cert=/etc/multigres/tls/tls.crt
        - --multipooler-grpc-key=/etc/multigres/tls/tls.key
        - --multipooler-grpc-ca=/etc/multigres/tls/ca.crt
        - --multipooler-grpc-server-name=multipooler.orders.app.multigres.internal
        - --multipooler-grpc-require-tls
        env:
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://otel:4318"}
        - {name: OTEL_RESOURCE_ATTRIBUTES, value: "multigres.project=shop,multigres.cluster=orders,multigres.component=multiadmin"}
        - {name: OTEL_TRACES_SAMPLER_CONFIG, value: /etc/otel/sampling-config.yaml}
        ports: [{name: http, containerPort: 18000, protocol: TCP}, {name: grpc, containerPort: 18070, protocol: TCP}]
        resources: {requests: {cpu: 200m}}
        volumeMounts:
        - {name: topology-tls, mountPath: /etc/multigres/topology-tls, readOnly: true}
        - {name: internal-tls, mountPath: /etc/multigres/tls, readOnly: true}
        - {name: otel-sampling-config, mountPath: /etc/otel, readOnly: true}
        startupProbe: {httpGet: {path: /ready, port: 18000}, periodSeconds: 5, failureThreshold: 30}
        livenessProbe: {httpGet: {path: /live, port: 18000}, periodSeconds: 10}
        readinessProbe: {httpGet: {path: /ready, port: 18000}, periodSeconds: 5}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`)
}

func TestBuildMultiAdminService(t *testing.T) {
	same(t, "Both ports of the admin API are served inside.", buildMultiAdminService(resolved(t, minimal)), `
apiVersion: v1
kind: Service
metadata: {name: orders-multiadmin, labels: {`+labels("multiadmin")+`}}
spec:
  type: ClusterIP
  selector: {app.kubernetes.io/component: multiadmin, app.kubernetes.io/instance: orders, multigres.com/cluster: orders}
  ports: [{name: http, port: 18000, targetPort: http, protocol: TCP}, {name: grpc, port: 18070, targetPort: grpc, protocol: TCP}]
`)
}

func TestBuildAdminPDB(t *testing.T) {
	same(t, "One replica may go at a time.", buildAdminPDB(resolved(t, minimal), "orders-multiadmin", "multiadmin"), `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: orders-multiadmin-pdb, labels: {`+labels("multiadmin")+`}}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app.kubernetes.io/component: multiadmin, app.kubernetes.io/instance: orders, multigres.com/cluster: orders}}
`)
}

// TestMultiAdminRenewed holds that the admin API starts anew with a renewed certificate, and not because nobody knows which it is.
func TestMultiAdminRenewed(t *testing.T) {
	const xr = minimal + "  internalTLS: {enabled: true}\n"
	key := naming.KeyInternalTLS(naming.ComponentMultiAdmin)
	observed := grow(t, xr, generatedSecret)
	for _, step := range []struct{ status, want string }{
		{status: `{atProvider: {revision: 1}, ` + ready + `}`},
		{status: `{atProvider: {revision: 2, renewals: 1}, ` + ready + `}`, want: "1"},
		{status: `{` + ready + `}`, want: "1"},
	} {
		observed[key] = withStatus(t, observed[key], step.status)
		out := mustRun(t, compose.Input{XR: composetest.Object(t, xr), Observed: observed}, generatedSecret)
		if got := workload.HeldRenewals(composetest.Get(t, out, naming.KeyMultiAdminDeployment)); got != step.want {
			t.Errorf("with %s: want renewals %q, got %q", step.status, step.want, got)
		}
		observed = observe(t, out)
	}
}
