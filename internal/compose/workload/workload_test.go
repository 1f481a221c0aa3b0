package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

func TestPod(t *testing.T) {
	peers := map[string]string{"app": "x"}
	images := v1alpha1.ImagePullSpec{ImagePullSecrets: []corev1.LocalObjectReference{{Name: "registry"}}}
	selector := &metav1.LabelSelector{MatchLabels: peers}
	spread := []corev1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: "topology.kubernetes.io/zone", WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: selector,
	}}
	security := &corev1.PodSecurityContext{
		RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To(int64(10)), RunAsGroup: ptr.To(int64(20)), FSGroup: ptr.To(int64(20)),
		FSGroupChangePolicy: ptr.To(corev1.FSGroupChangeOnRootMismatch),
		SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	own := &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}}
	ownSpread := []corev1.TopologySpreadConstraint{{MaxSkew: 2}}

	cases := map[string]struct {
		reason string
		in     Placement
		want   corev1.PodSpec
	}{
		"Defaults": {
			reason: "Without wishes pods keep away from their peers, spread over zones, and have no privilege and no token.",
			in:     Placement{Peers: peers},
			want: corev1.PodSpec{
				AutomountServiceAccountToken: ptr.To(false), EnableServiceLinks: ptr.To(false), SecurityContext: security,
				ImagePullSecrets: images.ImagePullSecrets, TopologySpreadConstraints: spread,
				Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
					PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
						Weight: 100, PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: "kubernetes.io/hostname", LabelSelector: selector},
					}},
				}},
			},
		},
		"Wishes": {
			reason: "A user's affinity and spread constraints replace ours.",
			in: Placement{
				Peers: peers, Affinity: own, Spread: ownSpread, NodeSelector: map[string]string{"zone": "a"},
				Tolerations: []corev1.Toleration{{Key: "k"}},
			},
			want: corev1.PodSpec{
				AutomountServiceAccountToken: ptr.To(false), EnableServiceLinks: ptr.To(false), SecurityContext: security,
				ImagePullSecrets: images.ImagePullSecrets, TopologySpreadConstraints: ownSpread, Affinity: own,
				NodeSelector: map[string]string{"zone": "a"}, Tolerations: []corev1.Toleration{{Key: "k"}},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Pod(images, 10, 20, tc.in)); diff != "" {
				t.Errorf("\n%s\nPod(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestTopology(t *testing.T) {
	cases := map[string]struct {
		reason  string
		ref     v1alpha1.GlobalTopoServerRef
		flags   []string
		volumes []Volume
	}{
		"Plain": {
			reason: "Without certificates there are only the address and the root.",
			ref:    v1alpha1.GlobalTopoServerRef{Address: "a:1,b:2", RootPath: "/r"},
			flags:  []string{"--topo-global-server-addresses=a:1,b:2", "--topo-global-root=/r"},
		},
		"TLS": {
			reason: "Certificates are projected into one folder from both Secrets, with only the keys that are needed.",
			ref:    v1alpha1.GlobalTopoServerRef{Address: "a:1", RootPath: "/r", CASecret: "ca", ClientCertSecret: "client"},
			flags: []string{
				"--topo-global-server-addresses=a:1", "--topo-global-root=/r", "--topo-etcd-tls-cert=/etc/multigres/topology-tls/tls.crt",
				"--topo-etcd-tls-key=/etc/multigres/topology-tls/tls.key", "--topo-etcd-tls-ca=/etc/multigres/topology-tls/ca.crt",
			},
			volumes: []Volume{{
				Volume: corev1.Volume{Name: "topology-tls", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
					DefaultMode: ptr.To(int32(0o444)),
					Sources: []corev1.VolumeProjection{
						{Secret: &corev1.SecretProjection{
							LocalObjectReference: corev1.LocalObjectReference{Name: "ca"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
						}},
						{Secret: &corev1.SecretProjection{
							LocalObjectReference: corev1.LocalObjectReference{Name: "client"},
							Items:                []corev1.KeyToPath{{Key: "tls.crt", Path: "tls.crt"}, {Key: "tls.key", Path: "tls.key"}},
						}},
					},
				}}},
				Mount: corev1.VolumeMount{Name: "topology-tls", MountPath: "/etc/multigres/topology-tls", ReadOnly: true},
			}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.flags, TopologyFlags(tc.ref)); diff != "" {
				t.Errorf("\n%s\nTopologyFlags(...): -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.volumes, TopologyVolumes(tc.ref)); diff != "" {
				t.Errorf("\n%s\nTopologyVolumes(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestTelemetry(t *testing.T) {
	all := &v1alpha1.ObservabilityConfig{
		OTLPEndpoint: "http://o:4318", OTLPMetricsEndpoint: "http://m:4318", OTLPProtocol: "grpc", TracesExporter: "otlp", MetricsExporter: "none",
		LogsExporter: "console", MetricExportInterval: "1000", MetricsTemporality: "delta", HistogramAggregation: "explicit_bucket_histogram",
		TracesSampler: "always_on", SamplingConfigRef: &v1alpha1.SamplingConfigRef{Name: "s", Key: "k"},
	}
	cases := map[string]struct {
		reason  string
		in      *v1alpha1.ObservabilityConfig
		env     []corev1.EnvVar
		volumes int
	}{
		"None":       {reason: "No configuration, no telemetry."},
		"NoEndpoint": {reason: "Without an endpoint there is nowhere to send to.", in: &v1alpha1.ObservabilityConfig{OTLPProtocol: "grpc", SamplingConfigRef: &v1alpha1.SamplingConfigRef{Name: "s"}}},
		"Disabled":   {reason: "The endpoint disabled switches everything off.", in: &v1alpha1.ObservabilityConfig{OTLPEndpoint: "disabled", OTLPMetricsEndpoint: "http://m"}},
		"Everything": {
			reason: "Each field has its variable, the attributes are escaped.", in: all, volumes: 1,
			env: []corev1.EnvVar{
				{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Value: "http://o:4318"},
				{Name: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", Value: "http://m:4318"},
				{Name: "OTEL_EXPORTER_OTLP_PROTOCOL", Value: "grpc"},
				{Name: "OTEL_TRACES_EXPORTER", Value: "otlp"},
				{Name: "OTEL_METRICS_EXPORTER", Value: "none"},
				{Name: "OTEL_LOGS_EXPORTER", Value: "console"},
				{Name: "OTEL_METRIC_EXPORT_INTERVAL", Value: "1000"},
				{Name: "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", Value: "delta"},
				{Name: "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", Value: "explicit_bucket_histogram"},
				{Name: "OTEL_TRACES_SAMPLER", Value: "always_on"},
				{Name: "OTEL_RESOURCE_ATTRIBUTES", Value: "multigres.project=a%2Cb,multigres.component=x"},
				{Name: "OTEL_TRACES_SAMPLER_CONFIG", Value: "/etc/otel/k"},
			},
		},
		"DefaultKey": {
			reason: "The sampling configuration has a default key.", volumes: 1,
			in: &v1alpha1.ObservabilityConfig{OTLPMetricsEndpoint: "http://m", SamplingConfigRef: &v1alpha1.SamplingConfigRef{Name: "s"}},
			env: []corev1.EnvVar{
				{Name: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", Value: "http://m"},
				{Name: "OTEL_RESOURCE_ATTRIBUTES", Value: "multigres.project=a%2Cb,multigres.component=x"},
				{Name: "OTEL_TRACES_SAMPLER_CONFIG", Value: "/etc/otel/sampling-config.yaml"},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.env, TelemetryEnv(tc.in, TelemetryAttributes("a,b", "", "x")...)); diff != "" {
				t.Errorf("\n%s\nTelemetryEnv(...): -want, +got:\n%s", tc.reason, diff)
			}
			if got := len(TelemetryVolumes(tc.in)); got != tc.volumes {
				t.Errorf("\n%s\nTelemetryVolumes(...): want %d, got %d", tc.reason, tc.volumes, got)
			}
		})
	}
}

func TestInternalTLS(t *testing.T) {
	if InternalTLSVolumes("") != nil || InternalTLSServerFlags("") != nil || InternalTLSPoolerClientFlags("", "p") != nil {
		t.Error("without a Secret nothing is mounted and no flag is given")
	}
	vs := InternalTLSVolumes("certs")
	if diff := cmp.Diff([]corev1.VolumeMount{{Name: "internal-tls", MountPath: "/etc/multigres/tls", ReadOnly: true}}, Mounts(vs)); diff != "" {
		t.Errorf("Mounts(...): -want, +got:\n%s", diff)
	}
	if got := Volumes(vs)[0].Secret.SecretName; got != "certs" {
		t.Errorf("want the Secret certs, got %s", got)
	}
}

func TestPodAnnotations(t *testing.T) {
	got := PodAnnotations(map[string]string{"prometheus.io/scrape": "true", "a": "b", "multigres.com/project-ref": "other"}, "p")
	if diff := cmp.Diff(map[string]string{"a": "b", "multigres.com/project-ref": "p"}, got); diff != "" {
		t.Errorf("scraping is off, the project is ours: -want, +got:\n%s", diff)
	}
}

func TestTolerations(t *testing.T) {
	if Tolerations(nil) != nil {
		t.Error("no placement, no tolerations")
	}
	p := &v1alpha1.PodPlacementSpec{Tolerations: []corev1.Toleration{{Key: "k"}}}
	if diff := cmp.Diff(p.Tolerations, Tolerations(p)); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

func TestProbes(t *testing.T) {
	e := Endpoint{Path: "/ready", Port: 8080, Timeout: 5}
	for name, p := range map[string]*corev1.Probe{"Startup": Startup(e), "Liveness": Liveness(e), "Readiness": Readiness(e)} {
		if p.HTTPGet.Path != "/ready" || p.HTTPGet.Port.IntValue() != 8080 || p.TimeoutSeconds != 5 {
			t.Errorf("%s: got %+v", name, p)
		}
	}
	if s := Startup(e); s.PeriodSeconds*s.FailureThreshold != 150 {
		t.Errorf("a component may take 150 seconds to start, got %d", s.PeriodSeconds*s.FailureThreshold)
	}
}
