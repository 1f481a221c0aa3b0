package topology

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// The errors of configurations that cannot be used. Their text names the field.
var (
	// ErrConfigMissing means that there is no ProviderConfig or ClusterProviderConfig of the name.
	ErrConfigMissing = errors.New("provider configuration does not exist")

	// ErrSecretMissing means that a Secret that the configuration names is not there, or lacks a key.
	ErrSecretMissing = errors.New("secret is incomplete")

	// ErrConfigInvalid means that the configuration, or the reference to it, cannot be used as it is.
	ErrConfigInvalid = errors.New("provider configuration is invalid")
)

// A secretRef is a reference from a configuration to a Secret.
type secretRef struct {
	// field of the configuration that holds the reference.
	field string
	key   client.ObjectKey
}

// invalid is the error of a Secret's key that holds what cannot be used.
func (r secretRef) invalid(key, why string) error {
	return errors.Wrapf(ErrConfigInvalid, "%s: Secret %q: %s %s", r.field, r.key, key, why)
}

// A config is what a ProviderConfig and a ClusterProviderConfig have in common.
type config struct {
	object client.Object
	kind   string
	spec   v1alpha1.Topology
	// dedicated are endpoints of servers that end with the object that controls the configuration.
	dedicated []string

	tls        bool
	serverName string

	// References to Secrets, nil where there is none.
	ca, cert, credentials *secretRef
}

// fromConfig reads a ProviderConfig, whose Secrets are in its own namespace.
func fromConfig(pc *v1alpha1.ProviderConfig) *config {
	c := &config{object: pc, kind: v1alpha1.ProviderConfigKind, spec: pc.Spec.Topology, dedicated: pc.Spec.DedicatedEndpoints}
	local := func(field string, r *xpv2.LocalSecretReference) *secretRef {
		if r == nil {
			return nil
		}
		return &secretRef{field: field, key: client.ObjectKey{Namespace: pc.GetNamespace(), Name: r.Name}}
	}
	if t := pc.Spec.TLS; t != nil {
		c.tls, c.serverName = true, t.ServerName
		c.ca, c.cert = local(fieldCA, t.CASecretRef), local(fieldCert, t.ClientCertSecretRef)
	}
	if cr := pc.Spec.Credentials; cr != nil {
		c.credentials = local(fieldCredentials, cr.SecretRef)
	}
	return c
}

// fromClusterConfig reads a ClusterProviderConfig, whose Secrets are anywhere.
func fromClusterConfig(pc *v1alpha1.ClusterProviderConfig) *config {
	c := &config{object: pc, kind: v1alpha1.ClusterProviderConfigKind, spec: pc.Spec.Topology}
	anywhere := func(field string, r *xpv2.SecretReference) *secretRef {
		if r == nil {
			return nil
		}
		return &secretRef{field: field, key: client.ObjectKey{Namespace: r.Namespace, Name: r.Name}}
	}
	if t := pc.Spec.TLS; t != nil {
		c.tls, c.serverName = true, t.ServerName
		c.ca, c.cert = anywhere(fieldCA, t.CASecretRef), anywhere(fieldCert, t.ClientCertSecretRef)
	}
	if cr := pc.Spec.Credentials; cr != nil {
		c.credentials = anywhere(fieldCredentials, cr.SecretRef)
	}
	return c
}

// Fields that name Secrets.
const (
	fieldCA          = "spec.tls.caSecretRef"
	fieldCert        = "spec.tls.clientCertSecretRef"
	fieldCredentials = "spec.credentials.secretRef"
)

// secrets are the references to Secrets.
func (c *config) secrets() []secretRef {
	var out []secretRef
	for _, r := range []*secretRef{c.ca, c.cert, c.credentials} {
		if r != nil {
			out = append(out, *r)
		}
	}
	return out
}

// name of the configuration, with its kind: what a place is remembered by.
func (c *config) name() string { return configName(c.kind, c.object.GetName()) }

// configName names a configuration that a managed resource refers to, as its index does.
func configName(kind, name string) string { return kind + "/" + name }

// A resolver reads configurations and their Secrets.
type resolver struct {
	// configs reads configurations, from a cache.
	configs client.Reader

	// secrets reads Secrets, which must not be read too late.
	secrets client.Reader
}

// reference is what a managed resource refers to.
func reference(mg resource.ModernManaged) (kind, name string, err error) {
	ref := mg.GetProviderConfigReference()
	if ref == nil {
		return "", "", errors.Wrap(ErrConfigInvalid, "spec.providerConfigRef is missing")
	}
	if ref.Kind != v1alpha1.ProviderConfigKind && ref.Kind != v1alpha1.ClusterProviderConfigKind {
		return "", "", errors.Wrapf(ErrConfigInvalid, "spec.providerConfigRef.kind: %q is neither %s nor %s", ref.Kind, v1alpha1.ProviderConfigKind, v1alpha1.ClusterProviderConfigKind)
	}
	return ref.Kind, ref.Name, nil
}

// get reads a configuration: a ProviderConfig of a namespace, or a ClusterProviderConfig.
func (r *resolver) get(ctx context.Context, namespace, kind, name string) (*config, error) {
	var (
		err error
		c   *config
	)
	switch kind {
	case v1alpha1.ProviderConfigKind:
		pc := &v1alpha1.ProviderConfig{}
		err = r.configs.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, pc)
		c = fromConfig(pc)
	default:
		pc := &v1alpha1.ClusterProviderConfig{}
		err = r.configs.Get(ctx, client.ObjectKey{Name: name}, pc)
		c = fromClusterConfig(pc)
	}
	if kerrors.IsNotFound(err) {
		return nil, errors.Wrapf(ErrConfigMissing, "spec.providerConfigRef: %s %q", kind, name)
	}
	return c, errors.Wrapf(err, "cannot get %s %q", kind, name)
}

// topology is the configuration of a store, without identity, timeout and observer.
func (r *resolver) topology(ctx context.Context, c *config) (topo.Config, error) {
	out := topo.Config{Endpoints: c.spec.Endpoints, Root: c.spec.Root}
	wrap := func(err error) error { return errors.Wrapf(err, "cannot use %s %q", c.kind, c.object.GetName()) }
	if i := c.spec.Implementation; i != "" && i != v1alpha1.TopologyImplementationEtcd {
		return out, wrap(errors.Wrapf(ErrConfigInvalid, "spec.implementation: %q is unknown", i))
	}
	if c.tls {
		out.TLS = &topo.TLS{ServerName: c.serverName}
	}
	var err error
	if c.ca != nil {
		if out.TLS.CA, err = r.value(ctx, *c.ca, v1alpha1.SecretKeyCA); err != nil {
			return out, wrap(err)
		}
	}
	if c.cert != nil {
		if out.TLS.Cert, err = r.value(ctx, *c.cert, v1alpha1.SecretKeyCertificate); err != nil {
			return out, wrap(err)
		}
		if out.TLS.Key, err = r.value(ctx, *c.cert, v1alpha1.SecretKeyPrivateKey); err != nil {
			return out, wrap(err)
		}
	}
	if c.credentials != nil {
		user, err := r.value(ctx, *c.credentials, v1alpha1.SecretKeyUsername)
		if err != nil {
			return out, wrap(err)
		}
		password, err := r.value(ctx, *c.credentials, v1alpha1.SecretKeyPassword)
		if err != nil {
			return out, wrap(err)
		}
		out.Username, out.Password = string(user), string(password)
	}
	return out, nil
}

// value reads one key of a Secret.
func (r *resolver) value(ctx context.Context, ref secretRef, key string) ([]byte, error) {
	s := &corev1.Secret{}
	err := r.secrets.Get(ctx, ref.key, s)
	if kerrors.IsNotFound(err) {
		return nil, errors.Wrapf(ErrSecretMissing, "%s: Secret %q does not exist", ref.field, ref.key)
	}
	if err != nil {
		return nil, errors.Wrapf(err, "%s: cannot get Secret %q", ref.field, ref.key)
	}
	v := s.Data[key]
	if len(v) == 0 {
		return nil, errors.Wrapf(ErrSecretMissing, "%s: Secret %q has no key %q", ref.field, ref.key, key)
	}
	return v, nil
}

// certified says which Secret holds certificates that cannot be used.
func (c *config) certified(t *topo.TLS) error {
	if t != nil && c.ca != nil && !x509.NewCertPool().AppendCertsFromPEM(t.CA) {
		return c.ca.invalid(v1alpha1.SecretKeyCA, "holds no certificate")
	}
	if t == nil || c.cert == nil {
		return nil
	}
	if _, err := tls.X509KeyPair(t.Cert, t.Key); err != nil {
		return c.cert.invalid(v1alpha1.SecretKeyCertificate, "and "+v1alpha1.SecretKeyPrivateKey+" cannot be used together: "+err.Error())
	}
	return nil
}

// usable says whether a store can be opened with a configuration.
func usable(c *config, cfg topo.Config) error {
	if err := c.certified(cfg.TLS); err != nil {
		return errors.Wrapf(err, "cannot use %s %q", c.kind, c.object.GetName())
	}
	err := cfg.Validate()
	if err == nil {
		return nil
	}
	// The fields of a store's configuration are called like those of the specification.
	field := "spec." + strings.TrimPrefix(err.Error(), topo.ErrInvalid.Error()+": ")
	return errors.Errorf("cannot use %s %q: %w: %s", c.kind, c.object.GetName(), ErrConfigInvalid, field)
}

// Check says what of a ProviderConfig or ClusterProviderConfig cannot be used, and names the field. It reads its Secrets, and
// speaks to no topology server.
func Check(ctx context.Context, secrets client.Reader, obj client.Object) error {
	var c *config
	switch pc := obj.(type) {
	case *v1alpha1.ProviderConfig:
		c = fromConfig(pc)
	case *v1alpha1.ClusterProviderConfig:
		c = fromClusterConfig(pc)
	default:
		return errors.Errorf("%T is no provider configuration", obj)
	}
	cfg, err := (&resolver{secrets: secrets}).topology(ctx, c)
	if err != nil {
		return err
	}
	// Any identity will do to see whether the rest can be used.
	cfg.Identity = "check"
	return usable(c, cfg)
}
