package v1alpha1

// A MultigatewaySpec configures the gateways of a cell, which speak PostgreSQL
// with the clients.
type MultigatewaySpec struct {
	StatelessSpec `json:",inline"`

	// Buffer configures how queries wait while a shard changes its leader.
	// +optional
	Buffer *GatewayBufferSpec `json:"buffer,omitempty"`
}

// A GatewayBufferSpec configures how a gateway holds queries during a failover
// instead of failing them. What is left out keeps the gateway's own default.
type GatewayBufferSpec struct {
	// Enabled switches buffering on. Defaults to true.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// Window is how long one query may wait. The gateway's default is 10s.
	// +optional
	Window Duration `json:"window,omitempty"`

	// MaxFailoverDuration is how long a failover may take before buffering stops.
	// The gateway's default is 20s.
	// +optional
	MaxFailoverDuration Duration `json:"maxFailoverDuration,omitempty"`

	// MinTimeBetweenFailovers is the pause after one failover during which the
	// next is not buffered. The gateway's default is 1m.
	// +optional
	MinTimeBetweenFailovers Duration `json:"minTimeBetweenFailovers,omitempty"`

	// Size is the number of queries that may wait. The gateway's default is 1000.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Size *int32 `json:"size,omitempty"`

	// DrainConcurrency is the number of waiting queries that are sent at once when
	// the failover is over. The gateway's default is 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	DrainConcurrency *int32 `json:"drainConcurrency,omitempty"`
}

// An IPAddress is an IPv4 or IPv6 address.
// +kubebuilder:validation:MinLength=3
// +kubebuilder:validation:MaxLength=45
// +kubebuilder:validation:Pattern=`^(([0-9]{1,3}\.){3}[0-9]{1,3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$`
type IPAddress string

// ServiceAnnotations are annotations that a user adds to a Service.
// +kubebuilder:validation:MaxProperties=20
// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('multigres.com/'))",message="annotations must not start with the reserved prefix multigres.com/"
type ServiceAnnotations map[string]string

// An ExternalServiceSpec exposes a Service outside the Kubernetes cluster.
type ExternalServiceSpec struct {
	// Enabled exposes the Service. Switching it off takes everything back.
	Enabled bool `json:"enabled"`

	// ServiceType of the Service while it is exposed. Defaults to ClusterIP.
	// +optional
	// +kubebuilder:validation:Enum=ClusterIP;NodePort;LoadBalancer
	ServiceType string `json:"serviceType,omitempty"`

	// ExternalIPs of the Service: addresses that reach the nodes.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=10
	ExternalIPs []IPAddress `json:"externalIPs,omitempty"`

	// Annotations of the Service, for example for a load balancer.
	// +optional
	Annotations ServiceAnnotations `json:"annotations,omitempty"`
}
