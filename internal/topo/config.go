package topo

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// DefaultTimeout bounds a call when the configuration does not. A healthy etcd
// answers within milliseconds and elects a new leader in about a second.
const DefaultTimeout = 5 * time.Second

// How soon a connection that went silent is given up. gRPC sends no ping more
// often than every 10 seconds, and etcd allows one every 5.
const (
	keepAliveTime    = 10 * time.Second
	keepAliveTimeout = 3 * time.Second
)

// How long a connection that could not be made rests before the next attempt.
// By gRPC's own default that grows to two minutes, so long would an etcd that is
// back be unavailable still.
const (
	minConnectRest = 100 * time.Millisecond
	maxConnectRest = 2 * time.Second
)

// TLS is how to talk to etcd over TLS. All fields hold PEM.
type TLS struct {
	// CA are certificates of authorities that sign etcd's certificate. If empty
	// the machine's own are used.
	CA []byte

	// Cert is the client's certificate chain. It needs Key.
	Cert []byte

	// Key is the client's private key. It needs Cert.
	Key []byte

	// ServerName is the name that etcd's certificate must carry. If empty it is
	// the host of the endpoint.
	ServerName string
}

// Config says which topology to open.
type Config struct {
	// Endpoints of etcd: host:port, or a URL with http or https.
	Endpoints []string

	// Root is the path below which all records are.
	Root string

	// Identity names the provider whose leaders fence each other off. Providers
	// of different control planes have different identities. It must be one
	// path segment.
	Identity string

	// TLS turns TLS on.
	TLS *TLS

	// Username and Password authenticate, if both are set. Opening a store then
	// needs etcd to answer.
	Username string
	Password string

	// Timeout bounds every call. Zero means DefaultTimeout.
	Timeout time.Duration

	// Observe is told how long each call took and how it ended, if not nil. It
	// must not block.
	Observe func(took time.Duration, err error)
}

// Validate says what in the configuration cannot be used, as ErrInvalid. It asks
// nobody.
func (c *Config) Validate() error {
	if len(c.Endpoints) == 0 {
		return invalid(errors.New("endpoints: at least one is required"))
	}

	for _, e := range c.Endpoints {
		if err := validateEndpoint(e); err != nil {
			return invalid(errors.Wrapf(err, "endpoints: %q", e))
		}
	}

	if !path.IsAbs(c.Root) {
		return invalid(errors.Errorf("root: %q does not start with a slash", c.Root))
	}

	if c.Identity == "" || c.Identity == "." || c.Identity == ".." || strings.Contains(c.Identity, "/") {
		return invalid(errors.Errorf("identity: %q is not one path segment", c.Identity))
	}

	if c.Timeout < 0 {
		return invalid(errors.Errorf("timeout: %s is negative", c.Timeout))
	}

	if c.TLS == nil {
		return nil
	}

	_, err := c.TLS.config()

	return err
}

// validateEndpoint says why e is no endpoint.
func validateEndpoint(e string) error {
	if !strings.Contains(e, "://") {
		e = "http://" + e
	}

	u, err := url.Parse(e)
	if err != nil {
		return errors.Wrap(err, "cannot parse URL")
	}

	if u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("scheme is neither http nor https")
	}

	if u.Hostname() == "" || u.Port() == "" {
		return errors.New("host or port is missing")
	}

	return nil
}

// config is the TLS configuration for the client.
func (t *TLS) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}

	if len(t.CA) > 0 {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(t.CA) {
			return nil, invalid(errors.New("tls: no certificate in the CA"))
		}
	}

	if len(t.Cert) == 0 && len(t.Key) == 0 {
		return c, nil
	}

	pair, err := tls.X509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, invalid(errors.Wrap(err, "tls: cannot use client certificate and key"))
	}

	c.Certificates = []tls.Certificate{pair}

	return c, nil
}
