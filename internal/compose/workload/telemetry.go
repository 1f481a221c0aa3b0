package workload

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

const (
	samplingPath       = "/etc/otel"
	samplingDefaultKey = "sampling-config.yaml"
	telemetryDisabled  = "disabled"
)

// TelemetryEnv returns the OpenTelemetry variables of a component, and none if telemetry is off: no endpoint is given, or the
// endpoint is "disabled". The attributes, key and value in turn, name the component in what it sends.
func TelemetryEnv(o *v1alpha1.ObservabilityConfig, attributes ...string) []corev1.EnvVar {
	if !telemetryOn(o) {
		return nil
	}
	var out []corev1.EnvVar
	add := func(name, value string) {
		if value != "" {
			out = append(out, corev1.EnvVar{Name: name, Value: value})
		}
	}
	add("OTEL_EXPORTER_OTLP_ENDPOINT", o.OTLPEndpoint)
	add("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", o.OTLPMetricsEndpoint)
	add("OTEL_EXPORTER_OTLP_PROTOCOL", o.OTLPProtocol)
	add("OTEL_TRACES_EXPORTER", string(o.TracesExporter))
	add("OTEL_METRICS_EXPORTER", string(o.MetricsExporter))
	add("OTEL_LOGS_EXPORTER", string(o.LogsExporter))
	add("OTEL_METRIC_EXPORT_INTERVAL", o.MetricExportInterval)
	add("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", o.MetricsTemporality)
	add("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", o.HistogramAggregation)
	add("OTEL_TRACES_SAMPLER", o.TracesSampler)
	add("OTEL_RESOURCE_ATTRIBUTES", resourceAttributes(attributes))
	if o.SamplingConfigRef != nil {
		add("OTEL_TRACES_SAMPLER_CONFIG", samplingPath+"/"+samplingKey(o.SamplingConfigRef))
	}
	return out
}

// TelemetryVolumes returns the volume with the sampling configuration, if there is one and telemetry is on.
func TelemetryVolumes(o *v1alpha1.ObservabilityConfig) []Volume {
	if !telemetryOn(o) || o.SamplingConfigRef == nil {
		return nil
	}
	const name = "otel-sampling-config"
	return []Volume{{
		Volume: corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: o.SamplingConfigRef.Name},
		}}},
		Mount: corev1.VolumeMount{Name: name, MountPath: samplingPath, ReadOnly: true},
	}}
}

// TelemetryAttributes returns the attributes of a component of a cluster for TelemetryEnv.
func TelemetryAttributes(project, cluster, component string) []string {
	return []string{"multigres.project", project, "multigres.cluster", cluster, "multigres.component", component}
}

func telemetryOn(o *v1alpha1.ObservabilityConfig) bool {
	if o == nil || o.OTLPEndpoint == telemetryDisabled {
		return false
	}
	return o.OTLPEndpoint != "" || o.OTLPMetricsEndpoint != ""
}

func samplingKey(r *v1alpha1.SamplingConfigRef) string {
	if r.Key == "" {
		return samplingDefaultKey
	}
	return r.Key
}

// attributeEscaper escapes what separates attributes from each other and keys from values.
var attributeEscaper = strings.NewReplacer("%", "%25", ",", "%2C", "=", "%3D", ";", "%3B", " ", "%20")

func resourceAttributes(kv []string) string {
	var parts []string
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] != "" {
			parts = append(parts, kv[i]+"="+attributeEscaper.Replace(kv[i+1]))
		}
	}
	return strings.Join(parts, ",")
}
