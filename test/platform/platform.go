// Package platform is what a platform team has, for tests: a control plane,
// Crossplane on it, nodes, a registry, and our packages, installed from it with
// the one manifest that users apply. Only the nodes are played (package
// kubelet).
package platform

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/crossplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/dataplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/kubelet"
	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

// Registry is the host of the registry. Crossplane asks it without TLS because
// of its last label, and through the proxy that knows where it is, so that
// packages need not be built for an address.
const Registry = "registry.localhost"

// Environment variables that hold paths. `make integration` exports them.
const (
	// EnvTool is the path of the program that pushes packages.
	EnvTool = "XPKG_BIN"

	// EnvPackages is the path of a folder with packages for Registry and their
	// install manifest.
	EnvPackages = "XPKG_DIR"
)

const (
	// installTimeout bounds how long packages take to be healthy.
	installTimeout = 8 * time.Minute

	poll = 100 * time.Millisecond
)

// errNotHealthy means that a package is not healthy yet, or what it brings.
var errNotHealthy = errors.New("package is not healthy")

// Options say what to run.
type Options struct {
	// Nodes to play.
	Nodes []kubelet.Node

	// APIServerArgs are further arguments of the API server.
	APIServerArgs []string

	// CrossplaneArgs are further arguments of Crossplane's core.
	CrossplaneArgs []string

	// Run runs programs for pods in place of those that the platform has: those
	// of packages, topology servers and poolers.
	Run []kubelet.Run
}

// Platform runs until Stop.
type Platform struct {
	*controlplane.ControlPlane

	Crossplane *crossplane.Crossplane
	Kubelet    *kubelet.Kubelet
	DataPlane  *dataplane.DataPlane

	cancel context.CancelFunc
}

// Start starts everything but the packages. The caller must call Stop.
func Start(ctx context.Context, o Options) (*Platform, error) {
	keep, err := crossplane.Keep()
	if err != nil {
		return nil, err
	}

	cp, err := controlplane.New(ctx, controlplane.Options{
		ControllerManager: true, Scheduler: true, APIServerArgs: o.APIServerArgs, Keep: keep,
	})
	if err != nil {
		return nil, err
	}

	// What runs here ends with Stop, not with whoever waits for the start.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &Platform{ControlPlane: cp, cancel: cancel}

	if err := p.start(ctx, running, o); err != nil {
		p.Stop()
		return nil, err
	}

	return p, nil
}

func (p *Platform) start(ctx, running context.Context, o Options) error {
	registry, err := process.FreeAddress()
	if err != nil {
		return err
	}

	if err := crossplane.Serve(running, registry); err != nil {
		return errors.Wrap(err, "cannot serve registry")
	}

	data := filepath.Join(p.Dir(), "volumes")
	if err := os.MkdirAll(data, 0o750); err != nil {
		return errors.Wrap(err, "cannot make folder of volumes")
	}

	p.DataPlane = dataplane.New(running, data, p.Client())
	run := slices.Concat(o.Run, []kubelet.Run{crossplane.Runtime(p.ControlPlane), p.DataPlane.Run})

	p.Kubelet, err = kubelet.Start(running, p.Config(), kubelet.Options{
		Nodes: o.Nodes, Run: run, Log: filepath.Join(p.Dir(), "log", "kubelet.log"),
	})
	if err != nil {
		return errors.Wrap(err, "cannot play nodes")
	}

	p.Kubelet.Network.Host(Registry, registry)

	p.Crossplane, err = crossplane.Start(ctx, p.ControlPlane, crossplane.Options{Env: p.Kubelet.Network.Env(), Args: o.CrossplaneArgs})

	return err
}

// Stop ends everything and removes the data. It may be called more than once.
func (p *Platform) Stop() {
	p.cancel()

	if p.Kubelet != nil {
		<-p.Kubelet.Done()
	}

	p.ControlPlane.Stop()
}

// Push pushes the packages of a folder, built as a version, to the registry.
func (p *Platform) Push(ctx context.Context, dir, version string) error {
	tool := os.Getenv(EnvTool)
	if tool == "" {
		return errors.Wrap(controlplane.ErrNotBuilt, EnvTool)
	}

	c, err := p.Run(process.Config{
		Name: "push", Path: tool, Env: p.Kubelet.Network.Env(),
		Args: []string{"push", "--registry=" + Registry + "/multigres", "--version=" + version, "--dir=" + dir},
	})
	if err != nil {
		return err
	}

	select {
	case <-ctx.Done():
		c.Kill()
		return errors.Wrap(ctx.Err(), "cannot wait for the push")
	case <-c.Exited():
	}

	if code := c.ExitCode(); code != 0 {
		return errors.Errorf("push failed with code %d: %s", code, c.Tail(4000))
	}

	return nil
}

// Install applies an install manifest, as a platform team does for the first
// time and for each upgrade, and waits until its packages are healthy and their
// composite resources are served. Each of the manifest's objects is edited first.
func (p *Platform) Install(ctx context.Context, file string, edit ...func(*unstructured.Unstructured) error) error {
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()

	b, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return errors.Wrap(err, "cannot read install manifest")
	}

	objects, err := manifest.Decode(b)
	if err != nil {
		return errors.Wrap(err, "cannot parse install manifest")
	}

	var packages []*unstructured.Unstructured

	for _, o := range objects {
		for _, f := range edit {
			if err := f(o); err != nil {
				return errors.Wrapf(err, "cannot edit %s %s", o.GetKind(), o.GetName())
			}
		}

		if err := p.apply(ctx, o); err != nil {
			return err
		}

		if o.GroupVersionKind().Group == "pkg.crossplane.io" && o.GetKind() != "DeploymentRuntimeConfig" {
			packages = append(packages, o)
		}
	}

	for _, o := range packages {
		if err := until(ctx, func(ctx context.Context) error { return p.healthy(ctx, o) }); err != nil {
			return err
		}
	}

	return until(ctx, p.established)
}

// established is nil if the API server serves all composite resources.
func (p *Platform) established(ctx context.Context) error {
	l := &unstructured.UnstructuredList{}
	l.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.crossplane.io", Version: "v2", Kind: "CompositeResourceDefinition"})

	if err := p.Client().List(ctx, l); err != nil {
		return errors.Wrap(err, "cannot list definitions")
	}

	for i := range l.Items {
		if status, message := conditions(&l.Items[i]); status["Established"] != string(corev1.ConditionTrue) {
			return errors.Wrapf(errNotHealthy, "definition %s%s", l.Items[i].GetName(), message)
		}
	}

	return nil
}

// apply applies an object, again and again while a webhook that guards its kind
// is on its way up.
func (p *Platform) apply(ctx context.Context, o *unstructured.Unstructured) error {
	return until(ctx, func(ctx context.Context) error {
		//nolint:staticcheck // Apply wants generated types, and these are of all kinds.
		err := p.Client().Patch(ctx, o.DeepCopy(), client.Apply, client.FieldOwner("kubectl"), client.ForceOwnership)

		return errors.Wrapf(err, "cannot apply %s %s", o.GetKind(), o.GetName())
	})
}

// healthy is nil if a package is installed, and what it brings works, at the
// version that is asked for.
func (p *Platform) healthy(ctx context.Context, want *unstructured.Unstructured) error {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(want.GroupVersionKind())

	if err := p.Client().Get(ctx, client.ObjectKeyFromObject(want), o); err != nil {
		return errors.Wrap(err, "cannot get package")
	}

	status, message := conditions(o)
	spec, _, _ := unstructured.NestedString(o.Object, "spec", "package")
	current, _, _ := unstructured.NestedString(o.Object, "status", "currentIdentifier")

	if status["Healthy"] != "True" || status["Installed"] != "True" || spec != current {
		return errors.Wrapf(errNotHealthy, "%s %s (%s of %s)%s", o.GetKind(), o.GetName(), current, spec, message)
	}

	return nil
}

// conditions are an object's, and what those say that are not True.
func conditions(o *unstructured.Unstructured) (status map[string]string, message string) {
	all, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	status = map[string]string{}

	for _, c := range all {
		m, _ := c.(map[string]any)
		t, _ := m["type"].(string)
		status[t], _ = m["status"].(string)

		if status[t] != string(corev1.ConditionTrue) {
			text, _ := m["message"].(string)
			message += " " + t + ": " + text
		}
	}

	return status, message
}

// Object returns an object of any kind.
func (p *Platform) Object(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (*unstructured.Unstructured, error) {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(gvk)

	err := p.Client().Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, o)
	if meta.IsNoMatchError(err) {
		return nil, errors.Wrapf(err, "cannot find kind %s", gvk.Kind)
	}

	return o, errors.Wrapf(err, "cannot get %s %s/%s", gvk.Kind, namespace, name)
}

func until(ctx context.Context, ok func(context.Context) error) error {
	for {
		err := ok(ctx)
		if err == nil {
			return nil
		}

		select {
		case <-ctx.Done():
			return err
		case <-time.After(poll):
		}
	}
}
