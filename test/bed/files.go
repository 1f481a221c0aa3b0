package bed

import (
	"bytes"
	"embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"text/template"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"

	"github.com/crossplane-multigres/crossplane-multigres/test/certificate"
)

// Files of programs, and objects that a cluster has from the start.
//
//go:embed files addons
var embedded embed.FS

// render writes an embedded template to a file.
func render(name, file string, data any) error {
	b, err := rendered(name, data)
	if err != nil {
		return err
	}
	return errors.Wrap(os.WriteFile(file, b, 0o600), "cannot write file of a program")
}

func rendered(name string, data any) ([]byte, error) {
	t, err := template.New(filepath.Base(name)).Option("missingkey=error").ParseFS(embedded, name)
	if err != nil {
		return nil, errors.Wrap(err, "cannot parse template")
	}
	b := &bytes.Buffer{}
	if err := t.Execute(b, data); err != nil {
		return nil, errors.Wrap(err, "cannot render template")
	}
	return b.Bytes(), nil
}

// users are who speaks to the API server by a certificate, by their files' names.
func (c Config) users() map[string]certificate.Subject {
	out := map[string]certificate.Subject{
		"admin":              {User: "admin", Groups: []string{"system:masters"}},
		"kubelet-client":     {User: "kube-apiserver-kubelet-client", Groups: []string{"system:masters"}},
		"controller-manager": {User: "system:kube-controller-manager"},
		"scheduler":          {User: "system:kube-scheduler"},
		"proxy":              {User: "system:kube-proxy"},
	}
	for _, n := range c.Nodes() {
		out[n.Name()] = certificate.Subject{User: "system:node:" + n.Name(), Groups: []string{"system:nodes"}, Names: []string{n.Name()}, IPs: []net.IP{net.ParseIP(n.Address())}}
	}
	return out
}

// writeIdentities writes certificates and kubeconfigs. listen is the API server's address on the machine.
func (c Config) writeIdentities(listen string) error {
	a, err := certificate.NewAuthority("bed")
	if err != nil {
		return err
	}
	if err := a.Write(c.file("ca")); err != nil {
		return err
	}
	server := certificate.Subject{
		User:  "kube-apiserver",
		IPs:   []net.IP{net.ParseIP(hubAddress), net.ParseIP(kubernetesService), net.IPv4(127, 0, 0, 1), net.ParseIP(host(listen))},
		Names: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + domain},
	}
	if err := issue(a, server, c.file("apiserver")); err != nil {
		return err
	}
	inside := fmt.Sprintf("%s:%d", hubAddress, apiPort)
	for name, s := range c.users() {
		if err := issue(a, s, c.file(name)); err != nil {
			return err
		}
		if err := c.writeKubeconfig(name, inside, c.file(name+".kubeconfig")); err != nil {
			return err
		}
	}
	if err := c.writeKubeconfig("admin", listen, c.Kubeconfig()); err != nil {
		return err
	}
	key, err := certificate.NewKey()
	if err != nil {
		return err
	}
	return errors.Wrap(os.WriteFile(c.file("sa.key"), key, 0o600), "cannot write key of service accounts")
}

// issue writes file.crt and file.key for a subject.
func issue(a *certificate.Authority, s certificate.Subject, file string) error {
	p, err := a.Issue(s)
	if err != nil {
		return err
	}
	return p.Write(file)
}

func (c Config) writeKubeconfig(user, server, file string) error {
	return render("files/kubeconfig.yaml", file, map[string]string{
		"Server": server, "CA": c.file("ca.crt"), "Cert": c.file(user + ".crt"), "Key": c.file(user + ".key"),
	})
}

// linkPrograms makes a folder in which programs have the names that other programs call them by.
func (c Config) linkPrograms() error {
	dir := filepath.Join(c.Dir(), "bin")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return errors.Wrap(err, "cannot make folder of programs")
	}
	for name, pattern := range Programs {
		found, err := filepath.Glob(filepath.Join(c.Cache, "bin", pattern))
		if err != nil || len(found) == 0 {
			return errors.Wrapf(ErrNotBuilt, "cannot find %s in %s", pattern, filepath.Join(c.Cache, "bin"))
		}
		// The newest, if several versions were built.
		if err := os.Symlink(found[len(found)-1], filepath.Join(dir, name)); err != nil {
			return errors.Wrap(err, "cannot link program")
		}
	}
	return nil
}
