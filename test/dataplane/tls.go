package dataplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"path"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Flags that name files of certificates: what a pooler shows to others and whom it lets in, and the same for the topology server.
const (
	flagCert = "grpc-cert"
	flagKey  = "grpc-key"
	flagCA   = "grpc-ca"

	flagTopologyCert = "topo-etcd-tls-cert"
	flagTopologyKey  = "topo-etcd-tls-key"
	flagTopologyCA   = "topo-etcd-tls-ca"
)

// The errors of files that a pooler is told to use.
var (
	// errNoFile means that nothing is mounted where the file should be.
	errNoFile = errors.New("no Secret is mounted that has the file")

	// errNoAuthority means that a file holds no certificate.
	errNoAuthority = errors.New("file holds no certificate")
)

// serverTLS is how the pooler's server speaks, as its flags say: in the clear without a certificate, and with an authority to
// nobody whose certificate that has not signed.
func (c *container) serverTLS(ctx context.Context) (*tls.Config, error) {
	if c.flags[flagCert] == "" {
		return nil, nil //nolint:nilnil // Plain text needs nothing.
	}

	cfg, err := c.pair(ctx, flagCert, flagKey)
	if err != nil || c.flags[flagCA] == "" {
		return cfg, err
	}

	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	cfg.ClientCAs, err = c.authorities(ctx, flagCA)

	return cfg, err
}

// topologyTLS is how the pooler speaks to the topology server.
func (c *container) topologyTLS(ctx context.Context) (*tls.Config, error) {
	cfg, err := c.pair(ctx, flagTopologyCert, flagTopologyKey)
	if err != nil {
		return nil, err
	}

	cfg.RootCAs, err = c.authorities(ctx, flagTopologyCA)

	return cfg, err
}

// pair shows the certificate that two flags name, if they do.
func (c *container) pair(ctx context.Context, cert, key string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}

	if c.flags[cert] == "" {
		return cfg, nil
	}

	certPEM, err := c.file(ctx, cert)
	if err != nil {
		return nil, err
	}

	keyPEM, err := c.file(ctx, key)
	if err != nil {
		return nil, err
	}

	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	cfg.Certificates = []tls.Certificate{pair}

	return cfg, errors.Wrapf(err, "cannot use files of --%s and --%s", cert, key)
}

// authorities are those of the file that a flag names.
func (c *container) authorities(ctx context.Context, flag string) (*x509.CertPool, error) {
	pem, err := c.file(ctx, flag)
	if err != nil {
		return nil, err
	}

	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.Wrapf(errNoAuthority, "--%s", flag)
	}

	return pool, nil
}

// file is the content of the file that a flag names: of the Secret that is mounted there, now.
func (c *container) file(ctx context.Context, flag string) ([]byte, error) {
	dir, name := path.Split(c.flags[flag])

	for _, m := range c.mounts {
		i := slices.IndexFunc(c.pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if m.MountPath != path.Clean(dir) || i < 0 {
			continue
		}

		for secret, key := range keysOf(c.pod.Spec.Volumes[i], name) {
			s := &corev1.Secret{}
			if err := c.client.Get(ctx, client.ObjectKey{Namespace: c.pod.GetNamespace(), Name: secret}, s); err != nil {
				return nil, errors.Wrap(err, "cannot get Secret")
			}

			if data, ok := s.Data[key]; ok {
				return data, nil
			}
		}
	}

	return nil, errors.Wrapf(errNoFile, "--%s=%s", flag, c.flags[flag])
}

// keysOf are the entries of Secrets that may be the file of a name in a volume, by Secret.
func keysOf(v corev1.Volume, name string) map[string]string {
	keys := map[string]string{}

	if v.Secret != nil {
		keys[v.Secret.SecretName] = itemKey(v.Secret.Items, name)
	}

	if v.Projected != nil {
		for _, s := range v.Projected.Sources {
			if s.Secret != nil {
				keys[s.Secret.Name] = itemKey(s.Secret.Items, name)
			}
		}
	}

	return keys
}

// itemKey is the key of the file of a name: the one that is mapped to it, or the name if none is mapped at all.
func itemKey(items []corev1.KeyToPath, name string) string {
	for _, item := range items {
		if item.Path == name {
			return item.Key
		}
	}

	if len(items) > 0 {
		return ""
	}

	return name
}
