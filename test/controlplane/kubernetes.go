package controlplane

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/client-go/discovery"

	"github.com/crossplane-multigres/crossplane-multigres/test/certificate"
	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

// Identities of Kubernetes' own programs, which its default roles name.
const (
	mastersGroup          = "system:masters"
	controllerManagerUser = "system:kube-controller-manager"
	schedulerUser         = "system:kube-scheduler"
)

// startAPIServer starts etcd and kube-apiserver and waits until it is ready.
func (c *ControlPlane) startAPIServer(ctx context.Context) error {
	var err error
	if c.store, err = c.startEtcd(); err != nil {
		return err
	}

	port, err := process.FreePort()
	if err != nil {
		return err
	}
	c.address = loopback(port)

	args, err := c.apiServerArgs(c.store, port)
	if err != nil {
		return err
	}

	if c.admin, err = c.User("admin", mastersGroup); err != nil {
		return err
	}

	if c.apiServer, err = c.run(EnvAPIServer, "kube-apiserver", args); err != nil {
		return err
	}

	if err := c.Ready(ctx); err != nil {
		return err
	}

	if err := writeKubeconfig(c.admin, c.file(AdminKubeconfig)); err != nil {
		return err
	}

	c.client, err = c.ClientFor(c.admin)

	return err
}

// Ready waits until the API server is ready, as after a restart.
func (c *ControlPlane) Ready(ctx context.Context) error {
	api, err := discovery.NewDiscoveryClientForConfig(c.admin)
	if err != nil {
		return errors.Wrap(err, "cannot make client")
	}

	return until(ctx, c.apiServer, func(ctx context.Context) error {
		return api.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// startEtcd starts etcd and returns its endpoint. It does not wait: the API
// server does.
func (c *ControlPlane) startEtcd() (string, error) {
	var urls [2]string
	for i := range urls {
		a, err := process.FreeAddress()
		if err != nil {
			return "", err
		}
		urls[i] = "http://" + a
	}
	client, peer := urls[0], urls[1]

	var err error
	c.etcd, err = c.run(EnvEtcd, "etcd", []string{
		"--data-dir=" + c.file(etcdData),
		// A test outlives no power cut.
		"--unsafe-no-fsync",
		"--log-level=warn",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
	})

	return client, err
}

func (c *ControlPlane) apiServerArgs(store string, port int) ([]string, error) {
	serving, err := c.authority.Issue(certificate.Subject{
		User: "kube-apiserver", Names: []string{"localhost", "kubernetes.default.svc"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
	if err != nil {
		return nil, err
	}

	accounts, err := certificate.NewKey()
	if err != nil {
		return nil, err
	}

	for name, data := range map[string][]byte{
		"ca.crt": c.authority.Cert, "apiserver.crt": serving.Cert, "apiserver.key": serving.Key, "sa.key": accounts,
	} {
		if err := os.WriteFile(c.file(name), data, 0o600); err != nil {
			return nil, errors.Wrap(err, "cannot write certificates")
		}
	}

	return append([]string{
		"--etcd-servers=" + store,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + itoa(port),
		// It refuses to announce a loopback address as its endpoint.
		"--endpoint-reconciler-type=none",
		"--cert-dir=" + c.file("apiserver"),
		"--tls-cert-file=" + c.file("apiserver.crt"), "--tls-private-key-file=" + c.file("apiserver.key"),
		"--client-ca-file=" + c.file("ca.crt"),
		// The controller manager logs errors if nobody vouches for front proxies.
		"--requestheader-client-ca-file=" + c.file("ca.crt"), "--requestheader-allowed-names=front-proxy",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--service-cluster-ip-range=10.0.0.0/16",
		"--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.file("sa.key"), "--service-account-signing-key-file=" + c.file("sa.key"),
		"--profiling=false",
	}, c.opts.APIServerArgs...), nil
}

func (c *ControlPlane) startControllerManager() error {
	args, err := c.componentArgs(controllerManagerUser)
	if err != nil {
		return err
	}

	c.controllerManager, err = c.run(EnvControllerManager, "kube-controller-manager", append(args,
		// Its default of 20 requests per second is what garbage collection would wait for.
		"--kube-api-qps=500", "--kube-api-burst=1000",
		"--service-account-private-key-file="+c.file("sa.key"), "--root-ca-file="+c.file("ca.crt"),
		"--use-service-account-credentials=true",
		// Nodes of tests send no heartbeats.
		"--node-monitor-grace-period=24h",
	))

	return err
}

func (c *ControlPlane) startScheduler() error {
	args, err := c.componentArgs(schedulerUser)
	if err != nil {
		return err
	}

	c.scheduler, err = c.run(EnvScheduler, "kube-scheduler", append(args, "--kube-api-qps=500", "--kube-api-burst=1000"))

	return err
}

// componentArgs are what Kubernetes' programs beside the API server are told.
func (c *ControlPlane) componentArgs(user string) ([]string, error) {
	cfg, err := c.User(user)
	if err != nil {
		return nil, err
	}

	kubeconfig, err := c.Kubeconfig(cfg)
	if err != nil {
		return nil, err
	}

	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}

	return []string{
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1", "--secure-port=" + itoa(port), "--cert-dir=" + kubeconfig + ".certs",
		"--leader-elect=false", "--profiling=false",
	}, nil
}

// run starts a program that the environment names.
func (c *ControlPlane) run(env, name string, args []string) (*process.Process, error) {
	path, err := program(env)
	if err != nil {
		return nil, err
	}

	// Some write into their working directory or their home.
	return c.Run(process.Config{Name: name, Path: path, Args: args, Dir: c.Dir(), Env: []string{"HOME=" + c.Dir()}})
}

// file is the path of a file in the control plane's folder.
func (c *ControlPlane) file(name string) string { return filepath.Join(c.Dir(), name) }

func itoa(port int) string { return strconv.Itoa(port) }

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", itoa(port)) }
