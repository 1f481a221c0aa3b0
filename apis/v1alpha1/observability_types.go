package v1alpha1

// A LogLevel is the least important level that a component logs.
// +kubebuilder:validation:Enum=debug;info;warn;error
type LogLevel string

// ComponentLogLevels are the log levels of the components. Each defaults to
// info.
type ComponentLogLevels struct {
	// Pgctld is the level of pgctld, which runs PostgreSQL.
	// +optional
	Pgctld LogLevel `json:"pgctld,omitempty"`

	// Multipooler is the level of the connection poolers.
	// +optional
	Multipooler LogLevel `json:"multipooler,omitempty"`

	// Multiorch is the level of the orchestrators.
	// +optional
	Multiorch LogLevel `json:"multiorch,omitempty"`

	// Multiadmin is the level of the admin API.
	// +optional
	Multiadmin LogLevel `json:"multiadmin,omitempty"`

	// Multigateway is the level of the gateways.
	// +optional
	Multigateway LogLevel `json:"multigateway,omitempty"`
}

// An Exporter is an OpenTelemetry exporter.
// +kubebuilder:validation:Enum=otlp;none;console
type Exporter string

// An ObservabilityConfig configures OpenTelemetry in the data plane. Each field
// becomes the environment variable that it names. Without an endpoint none of
// them is set.
type ObservabilityConfig struct {
	// OTLPEndpoint receives all signals (OTEL_EXPORTER_OTLP_ENDPOINT). The literal
	// disabled switches telemetry off.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	OTLPEndpoint string `json:"otlpEndpoint,omitempty"`

	// OTLPMetricsEndpoint receives metrics (OTEL_EXPORTER_OTLP_METRICS_ENDPOINT).
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	OTLPMetricsEndpoint string `json:"otlpMetricsEndpoint,omitempty"`

	// OTLPProtocol of the endpoints (OTEL_EXPORTER_OTLP_PROTOCOL).
	// +optional
	// +kubebuilder:validation:Enum=http/protobuf;grpc
	OTLPProtocol string `json:"otlpProtocol,omitempty"`

	// TracesExporter sends traces (OTEL_TRACES_EXPORTER).
	// +optional
	TracesExporter Exporter `json:"tracesExporter,omitempty"`

	// MetricsExporter sends metrics (OTEL_METRICS_EXPORTER).
	// +optional
	MetricsExporter Exporter `json:"metricsExporter,omitempty"`

	// LogsExporter sends logs (OTEL_LOGS_EXPORTER).
	// +optional
	LogsExporter Exporter `json:"logsExporter,omitempty"`

	// MetricExportInterval in milliseconds (OTEL_METRIC_EXPORT_INTERVAL).
	// +optional
	// +kubebuilder:validation:MaxLength=63
	MetricExportInterval string `json:"metricExportInterval,omitempty"`

	// MetricsTemporality of counters
	// (OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE).
	// +optional
	// +kubebuilder:validation:Enum=cumulative;delta
	MetricsTemporality string `json:"metricsTemporality,omitempty"`

	// HistogramAggregation of histograms
	// (OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION).
	// +optional
	// +kubebuilder:validation:Enum=base2_exponential_bucket_histogram;explicit_bucket_histogram
	HistogramAggregation string `json:"histogramAggregation,omitempty"`

	// TracesSampler is the name of the sampler (OTEL_TRACES_SAMPLER).
	// +optional
	// +kubebuilder:validation:MaxLength=253
	TracesSampler string `json:"tracesSampler,omitempty"`

	// SamplingConfigRef refers to the file of a file-based sampler, which is
	// mounted at /etc/otel (OTEL_TRACES_SAMPLER_CONFIG).
	// +optional
	SamplingConfigRef *SamplingConfigRef `json:"samplingConfigRef,omitempty"`
}

// A SamplingConfigRef refers to the configuration of a trace sampler.
type SamplingConfigRef struct {
	// Name of a ConfigMap in the namespace of the cluster.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Key of the ConfigMap that holds the file. Defaults to sampling-config.yaml.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}
