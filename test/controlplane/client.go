package controlplane

import (
	"context"
	"os"
	"path/filepath"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// fieldOwner is who applies what this package applies.
const fieldOwner = client.FieldOwner("controlplane")

// errNotEstablished means that the API server does not serve a kind yet.
var errNotEstablished = errors.New("definition is not established")

// Scheme has Kubernetes' kinds, CustomResourceDefinition and ours.
func Scheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()

	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme, mv1alpha1.AddToScheme,
	} {
		if err := add(s); err != nil {
			return nil, errors.Wrap(err, "cannot build scheme")
		}
	}

	return s, nil
}

// Client is a client of the administrator, without a cache.
func (c *ControlPlane) Client() client.Client { return c.client }

// ClientFor returns a client of some access, without a cache.
func (c *ControlPlane) ClientFor(cfg *rest.Config) (client.Client, error) {
	s, err := Scheme()
	if err != nil {
		return nil, err
	}

	k, err := client.New(cfg, client.Options{Scheme: s})

	return k, errors.Wrap(err, "cannot make client")
}

// InstallCRDs applies the CustomResourceDefinitions in the YAML files of some
// folders and waits until the API server serves their kinds.
func (c *ControlPlane) InstallCRDs(ctx context.Context, folders ...string) error {
	var names []string

	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		if err != nil {
			return errors.Wrapf(err, "cannot list %s", folder)
		}

		if len(files) == 0 {
			return errors.Wrapf(os.ErrNotExist, "cannot find definitions in %s", folder)
		}

		for _, file := range files {
			name, err := c.installCRD(ctx, file)
			if err != nil {
				return errors.Wrapf(err, "cannot install %s", file)
			}

			names = append(names, name)
		}
	}

	for _, name := range names {
		if err := until(ctx, c.apiServer, func(ctx context.Context) error { return c.established(ctx, name) }); err != nil {
			return err
		}
	}

	return nil
}

func (c *ControlPlane) installCRD(ctx context.Context, file string) (string, error) {
	b, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return "", errors.Wrap(err, "cannot read")
	}

	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(b, crd); err != nil {
		return "", errors.Wrap(err, "cannot parse")
	}

	err = c.client.Create(ctx, crd, fieldOwner)

	return crd.GetName(), errors.Wrap(client.IgnoreAlreadyExists(err), "cannot create")
}

func (c *ControlPlane) established(ctx context.Context, name string) error {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := c.client.Get(ctx, client.ObjectKey{Name: name}, crd); err != nil {
		return errors.Wrapf(err, "cannot get %s", name)
	}

	for _, cond := range crd.Status.Conditions {
		if cond.Type == apiextensionsv1.Established && cond.Status == apiextensionsv1.ConditionTrue {
			return nil
		}
	}

	return errors.Wrap(errNotEstablished, name)
}
