package v1alpha1

// IsEnabled says whether internal TLS was asked for. A nil config did not.
func (c *InternalTLSConfig) IsEnabled() bool {
	return c != nil && c.Enabled != nil && *c.Enabled
}

// IsEnabled says whether topology pruning is on. It is, unless the config says
// otherwise.
func (c *TopologyPruningConfig) IsEnabled() bool {
	return c == nil || c.Enabled == nil || *c.Enabled
}

// IsEnabled says whether the Service is exposed. A nil spec does not.
func (s *ExternalServiceSpec) IsEnabled() bool {
	return s != nil && s.Enabled
}

// IsEnabled says whether the gateway buffers queries during a failover. It does,
// unless the spec says otherwise.
func (s *GatewayBufferSpec) IsEnabled() bool {
	return s == nil || s.Enabled == nil || *s.Enabled
}
