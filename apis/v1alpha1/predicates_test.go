package v1alpha1

import (
	"testing"

	"k8s.io/utils/ptr"
)

func TestIsEnabled(t *testing.T) {
	cases := map[string]struct {
		reason string
		got    bool
		want   bool
	}{
		"InternalTLSNil":   {reason: "Internal TLS is off unless asked for.", got: (*InternalTLSConfig)(nil).IsEnabled(), want: false},
		"InternalTLSEmpty": {reason: "An empty block asks for nothing.", got: (&InternalTLSConfig{}).IsEnabled(), want: false},
		"InternalTLSOff":   {reason: "An explicit false is off.", got: (&InternalTLSConfig{Enabled: ptr.To(false)}).IsEnabled(), want: false},
		"InternalTLSOn":    {reason: "An explicit true is on.", got: (&InternalTLSConfig{Enabled: ptr.To(true)}).IsEnabled(), want: true},
		"PruningNil":       {reason: "Pruning is on by default.", got: (*TopologyPruningConfig)(nil).IsEnabled(), want: true},
		"PruningEmpty":     {reason: "An empty block keeps the default.", got: (&TopologyPruningConfig{}).IsEnabled(), want: true},
		"PruningOff":       {reason: "An explicit false is off.", got: (&TopologyPruningConfig{Enabled: ptr.To(false)}).IsEnabled(), want: false},
		"PruningOn":        {reason: "An explicit true is on.", got: (&TopologyPruningConfig{Enabled: ptr.To(true)}).IsEnabled(), want: true},
		"ExternalNil":      {reason: "A Service is not exposed unless asked for.", got: (*ExternalServiceSpec)(nil).IsEnabled(), want: false},
		"ExternalOff":      {reason: "An explicit false is off.", got: (&ExternalServiceSpec{}).IsEnabled(), want: false},
		"ExternalOn":       {reason: "An explicit true is on.", got: (&ExternalServiceSpec{Enabled: true}).IsEnabled(), want: true},
		"BufferNil":        {reason: "Gateways buffer by default.", got: (*GatewayBufferSpec)(nil).IsEnabled(), want: true},
		"BufferEmpty":      {reason: "An empty block keeps the default.", got: (&GatewayBufferSpec{}).IsEnabled(), want: true},
		"BufferOff":        {reason: "An explicit false is off.", got: (&GatewayBufferSpec{Enabled: ptr.To(false)}).IsEnabled(), want: false},
		"BufferOn":         {reason: "An explicit true is on.", got: (&GatewayBufferSpec{Enabled: ptr.To(true)}).IsEnabled(), want: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if tc.got != tc.want {
				t.Errorf("%s\nIsEnabled(): want %t, got %t", tc.reason, tc.want, tc.got)
			}
		})
	}
}
