package controlplane

import (
	"context"
	"os"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/test/certificate"
)

// tokenSeconds is how long a service account's token is valid: longer than any
// run of tests.
const tokenSeconds = 24 * 60 * 60

// AdminKubeconfig is the file in a control plane's folder with the
// administrator's access, for people.
const AdminKubeconfig = "admin.kubeconfig"

// Config is the administrator's access.
func (c *ControlPlane) Config() *rest.Config { return rest.CopyConfig(c.admin) }

// User returns the access of a user who is in those groups. What the user may do
// is for the caller to grant.
func (c *ControlPlane) User(name string, groups ...string) (*rest.Config, error) {
	p, err := c.authority.Issue(certificate.Subject{User: name, Groups: groups})
	if err != nil {
		return nil, err
	}

	cfg := c.anonymous()
	cfg.CertData, cfg.KeyData = p.Cert, p.Key

	return cfg, nil
}

// ServiceAccount returns the access of a service account that exists, by a token
// that the API server issues.
func (c *ControlPlane) ServiceAccount(ctx context.Context, namespace, name string) (*rest.Config, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](tokenSeconds)}}

	if err := c.client.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, errors.Wrapf(err, "cannot get token of service account %s/%s", namespace, name)
	}

	cfg := c.anonymous()
	cfg.BearerToken = request.Status.Token

	return cfg, nil
}

// CA is the certificate of the authority that signed the API server's, in PEM.
func (c *ControlPlane) CA() []byte { return c.authority.Cert }

// Kubeconfig writes an access as a file for a program, with everything in it,
// and returns its path. The file goes with the control plane.
func (c *ControlPlane) Kubeconfig(cfg *rest.Config) (string, error) {
	f, err := os.CreateTemp(c.directory.path, "kubeconfig-")
	if err != nil {
		return "", errors.Wrap(err, "cannot make kubeconfig")
	}

	if err := f.Close(); err != nil {
		return "", errors.Wrap(err, "cannot make kubeconfig")
	}

	return f.Name(), writeKubeconfig(cfg, f.Name())
}

func writeKubeconfig(cfg *rest.Config, path string) error {
	const name = "controlplane"

	k := clientcmdapi.NewConfig()
	k.Clusters[name] = &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData}
	k.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: cfg.BearerToken, ClientCertificateData: cfg.CertData, ClientKeyData: cfg.KeyData}
	k.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	k.CurrentContext = name

	return errors.Wrap(clientcmd.WriteToFile(*k, path), "cannot write kubeconfig")
}

// anonymous is an access without credentials and without a limit to requests.
func (c *ControlPlane) anonymous() *rest.Config {
	return &rest.Config{
		Host:            "https://" + c.address,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.authority.Cert},
		QPS:             -1,
	}
}
