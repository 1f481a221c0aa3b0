package crossplane

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

// Environment variables that hold paths. `make integration` exports them.
const (
	// EnvCore is the path of Crossplane's program.
	EnvCore = "CROSSPLANE_CORE"

	// EnvCluster is the path of the folder cluster of Crossplane's sources, with
	// its definitions, webhook configurations and charts.
	EnvCluster = "CROSSPLANE_CLUSTER"
)

// Namespace is where Crossplane and the programs of packages are.
const Namespace = "crossplane-system"

const (
	rbacManager = "rbac-manager"

	serverSecret = "crossplane-tls-server"
	clientSecret = "crossplane-tls-client"
	webhooks     = "crossplane-webhooks"

	// fieldOwner is who applies what this package applies.
	fieldOwner = client.FieldOwner("install")

	startTimeout = 3 * time.Minute
	poll         = 50 * time.Millisecond
	tail         = 4000
)

// errNotReady means that a server answers, and not with OK.
var errNotReady = errors.New("server is not ready")

// Options say how to run Crossplane.
type Options struct {
	// Env is added to the core's environment: how it reaches Services and the
	// registry. See kubelet.Network.
	Env []string

	// Args are further arguments of the core.
	Args []string
}

// Crossplane is a running Crossplane.
type Crossplane struct {
	cp      *controlplane.ControlPlane
	cluster string

	core        *process.Process
	rbacManager *process.Process
	health      string
}

// Start installs Crossplane, if it is not there, and runs it until the control
// plane stops. It returns when the core is ready.
func Start(ctx context.Context, cp *controlplane.ControlPlane, o Options) (*Crossplane, error) {
	x := &Crossplane{cp: cp, cluster: os.Getenv(EnvCluster)}

	for _, env := range []string{EnvCore, EnvCluster} {
		if os.Getenv(env) == "" {
			return nil, errors.Wrap(controlplane.ErrNotBuilt, env)
		}
	}

	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	if err := x.install(ctx); err != nil {
		return nil, errors.Wrap(err, "cannot install Crossplane")
	}

	return x, errors.Wrap(x.start(ctx, o), "cannot start Crossplane")
}

// Keep installs Crossplane once, for all control planes that are started with it.
func Keep() (*controlplane.Keep, error) {
	cluster := os.Getenv(EnvCluster)
	if cluster == "" {
		return nil, errors.Wrap(controlplane.ErrNotBuilt, EnvCluster)
	}

	prepare := func(ctx context.Context, cp *controlplane.ControlPlane) error {
		x := &Crossplane{cp: cp, cluster: cluster}

		return x.install(ctx)
	}

	return &controlplane.Keep{Name: "crossplane", Inputs: []string{cluster}, Prepare: prepare}, nil
}

// Core is the process of Crossplane's core.
func (x *Crossplane) Core() *process.Process { return x.core }

// RBACManager is the process of the RBAC manager.
func (x *Crossplane) RBACManager() *process.Process { return x.rbacManager }

// install makes what the chart makes: definitions, accounts and their rights,
// and the Service of the webhooks.
func (x *Crossplane) install(ctx context.Context) error {
	if err := x.cp.InstallCRDs(ctx, filepath.Join(x.cluster, "crds")); err != nil {
		return err
	}

	objects, err := chartObjects(filepath.Join(x.cluster, "charts", "crossplane"), rights...)
	if err != nil {
		return err
	}

	all := []client.Object{
		&corev1.Namespace{TypeMeta: typeMeta("Namespace"), ObjectMeta: metav1.ObjectMeta{Name: Namespace}},
		// The API server calls webhooks by the name of their Service. This one leads to loopback.
		&corev1.Service{
			TypeMeta:   typeMeta("Service"),
			ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: webhooks},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
		},
	}

	for _, o := range objects {
		if o.GetKind() == "ServiceAccount" && o.GetNamespace() == "" {
			o.SetNamespace(Namespace)
		}

		all = append(all, o)
	}

	for _, o := range all {
		//nolint:staticcheck // Apply wants generated types, and these are of all kinds.
		if err := x.cp.Client().Patch(ctx, o, client.Apply, fieldOwner, client.ForceOwnership); err != nil {
			return errors.Wrapf(err, "cannot apply %s %s", o.GetObjectKind().GroupVersionKind().Kind, o.GetName())
		}
	}

	return nil
}

// start initializes and starts the core and the RBAC manager.
func (x *Crossplane) start(ctx context.Context, o Options) error {
	env, err := x.environment(ctx, release)
	if err != nil {
		return err
	}

	env = append(env, o.Env...)

	var ports [3]int
	for i := range ports {
		if ports[i], err = process.FreePort(); err != nil {
			return err
		}
	}

	if err := x.initialize(ctx, append(env,
		"TLS_CA_SECRET_NAME=crossplane-root-ca", fmt.Sprintf("WEBHOOK_SERVICE_PORT=%d", ports[0]),
		"WEBHOOK_SERVICE_NAME="+webhooks, "WEBHOOK_SERVICE_NAMESPACE="+Namespace,
		"CRDS_PATH="+filepath.Join(x.cluster, "crds"), "WEBHOOK_CONFIGS_PATH="+filepath.Join(x.cluster, "webhookconfigurations"),
	)); err != nil {
		return err
	}

	for secret, variable := range map[string]string{serverSecret: "TLS_SERVER_CERTS_DIR", clientSecret: "TLS_CLIENT_CERTS_DIR"} {
		dir, err := writeSecret(ctx, x.cp.Client(), Namespace, secret, x.cp.Dir())
		if err != nil {
			return err
		}

		env = append(env, variable+"="+dir)
	}

	for variable, dir := range map[string]string{"XPKG_CACHE_DIR": "xpkg", "XFN_CACHE_DIR": "xfn"} {
		// A package cannot be read if its folder is not there.
		path := filepath.Join(x.cp.Dir(), "cache", dir)
		if err := os.MkdirAll(path, 0o750); err != nil {
			return errors.Wrap(err, "cannot make cache")
		}

		env = append(env, variable+"="+path)
	}

	x.health = fmt.Sprintf("http://127.0.0.1:%d/readyz", ports[2])
	env = append(env, fmt.Sprintf("WEBHOOK_PORT=%d", ports[0]), fmt.Sprintf("METRICS_PORT=%d", ports[1]), fmt.Sprintf("HEALTH_PROBE_PORT=%d", ports[2]))

	if x.core, err = x.run("crossplane", env, append([]string{"core", "start", "--debug"}, o.Args...)); err != nil {
		return err
	}

	if env, err = x.environment(ctx, rbacManager); err != nil {
		return err
	}

	if x.rbacManager, err = x.run(rbacManager, env, []string{"rbac", "start", "--provider-clusterrole=" + release + ":allowed-provider-permissions"}); err != nil {
		return err
	}

	return x.Ready(ctx)
}

// Ready waits until the core is ready, as after a restart.
func (x *Crossplane) Ready(ctx context.Context) error {
	return until(ctx, x.core, func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, x.health, nil)
		if err != nil {
			return errors.Wrap(err, "cannot make request")
		}

		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return errors.Wrap(err, "cannot ask")
		}
		defer func() { _ = res.Body.Close() }()

		if res.StatusCode != http.StatusOK {
			return errors.Wrap(errNotReady, res.Status)
		}

		return nil
	})
}

// initialize runs the core's initialization: certificates, webhooks, the lock of
// packages. No managed resource is activated that no policy asks for. As an init
// container it is run until it succeeds: the rights are there some time after
// their roles.
func (x *Crossplane) initialize(ctx context.Context, env []string) error {
	p, err := x.run("crossplane-init", env, []string{"core", "init"})
	if err != nil {
		return err
	}

	for {
		select {
		case <-ctx.Done():
			return errors.Wrapf(ctx.Err(), "cannot wait for the initialization: %s", p.Tail(tail))
		case <-p.Exited():
		}

		if p.ExitCode() == 0 {
			return nil
		}

		if err := p.Start(); err != nil {
			return err
		}
	}
}

// environment is that of a program that runs as a service account.
func (x *Crossplane) environment(ctx context.Context, account string) ([]string, error) {
	cfg, err := x.cp.ServiceAccount(ctx, Namespace, account)
	if err != nil {
		return nil, err
	}

	kubeconfig, err := x.cp.Kubeconfig(cfg)

	return []string{
		"KUBECONFIG=" + kubeconfig, "POD_NAMESPACE=" + Namespace, "POD_SERVICE_ACCOUNT=" + account,
		"TLS_SERVER_SECRET_NAME=" + serverSecret, "TLS_CLIENT_SECRET_NAME=" + clientSecret,
	}, err
}

func (x *Crossplane) run(name string, env, args []string) (*process.Process, error) {
	return x.cp.Run(process.Config{Name: name, Path: os.Getenv(EnvCore), Args: args, Env: env, Dir: x.cp.Dir()})
}

// writeSecret writes the entries of a Secret as files of a new folder.
func writeSecret(ctx context.Context, c client.Client, namespace, name, parent string) (string, error) {
	s := &corev1.Secret{}
	if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, s); err != nil {
		return "", errors.Wrap(err, "cannot get secret")
	}

	dir, err := os.MkdirTemp(parent, "secret-")
	if err != nil {
		return "", errors.Wrap(err, "cannot make folder for secret")
	}

	for key, data := range s.Data {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(key)), data, 0o600); err != nil {
			return "", errors.Wrap(err, "cannot write secret")
		}
	}

	return dir, nil
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: "v1", Kind: kind}
}

// until polls until a condition holds, the program ends or the context does.
func until(ctx context.Context, p *process.Process, ready func(context.Context) error) error {
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}

		select {
		case <-p.Exited():
			return errors.Wrapf(controlplane.ErrExited, "%s: %s", p.Name(), strings.TrimSpace(p.Tail(tail)))
		case <-ctx.Done():
			return errors.Wrapf(err, "cannot wait for %s: %s", p.Name(), strings.TrimSpace(p.Tail(tail)))
		case <-time.After(poll):
		}
	}
}
