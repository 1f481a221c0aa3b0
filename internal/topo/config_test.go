package topo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestOpenInvalid(t *testing.T) {
	cases := map[string]struct {
		reason string
		cfg    Config
		want   error
	}{
		"Good":          {reason: "Opening needs no etcd.", cfg: Config{Endpoints: []string{"127.0.0.1:1", "https://[::1]:1"}, Root: "/", Identity: "a"}},
		"NoEndpoint":    {reason: "An endpoint is required.", cfg: Config{Root: "/r", Identity: "a"}, want: ErrInvalid},
		"NoPort":        {reason: "etcd has no default port.", cfg: Config{Endpoints: []string{"etcd"}, Root: "/r", Identity: "a"}, want: ErrInvalid},
		"NoURL":         {reason: "An endpoint is an address.", cfg: Config{Endpoints: []string{"http://a b:1"}, Root: "/r", Identity: "a"}, want: ErrInvalid},
		"OtherScheme":   {reason: "etcd speaks gRPC over HTTP.", cfg: Config{Endpoints: []string{"ftp://a:1"}, Root: "/r", Identity: "a"}, want: ErrInvalid},
		"RelativeRoot":  {reason: "Keys start with a slash.", cfg: Config{Endpoints: []string{"a:1"}, Root: "r", Identity: "a"}, want: ErrInvalid},
		"NoIdentity":    {reason: "Without an identity all providers share one fence.", cfg: Config{Endpoints: []string{"a:1"}, Root: "/r"}, want: ErrInvalid},
		"PathIdentity":  {reason: "The fence must not leave its folder.", cfg: Config{Endpoints: []string{"a:1"}, Root: "/r", Identity: "../a"}, want: ErrInvalid},
		"Negative":      {reason: "A deadline lies ahead.", cfg: Config{Endpoints: []string{"a:1"}, Root: "/r", Identity: "a", Timeout: -1}, want: ErrInvalid},
		"BadCA":         {reason: "A CA without a certificate trusts nobody.", cfg: Config{Endpoints: []string{"a:1"}, Root: "/r", Identity: "a", TLS: &TLS{CA: []byte("x")}}, want: ErrInvalid},
		"KeyWithNoCert": {reason: "A key alone identifies nobody.", cfg: Config{Endpoints: []string{"a:1"}, Root: "/r", Identity: "a", TLS: &TLS{Key: []byte("x")}}, want: ErrInvalid},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := Open(tc.cfg)
			if diff := cmp.Diff(tc.want, err, cmpopts.EquateErrors()); diff != "" {
				t.Fatalf("\n%s\nOpen(...): -want +got:\n%s", tc.reason, diff)
			}

			if s == nil {
				return
			}

			if err := s.Close(); err != nil {
				t.Errorf("Close(): %v", err)
			}
		})
	}
}
