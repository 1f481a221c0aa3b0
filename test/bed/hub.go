package bed

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// listener is the file descriptor of the port on the machine, which the hub inherits.
const listener = 3

// RunHub runs the hub, as the first process of its namespaces. It returns only with an error.
func RunHub(c Config) error {
	l, err := net.FileListener(os.NewFile(listener, "listener"))
	if err != nil {
		return errors.Wrap(err, "cannot use inherited port")
	}
	// Some programs keep something there.
	if err := os.Setenv("HOME", c.file("")); err != nil {
		return errors.Wrap(err, "cannot set environment")
	}
	go forward(l, fmt.Sprintf("%s:%d", hubAddress, apiPort))
	return supervise(c.hubPrograms())
}

// forward passes connections on.
func forward(l net.Listener, to string) {
	for {
		from, err := l.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, "cannot accept connection:", err)
			return
		}
		go func() {
			defer func() { _ = from.Close() }()
			//nolint:noctx // It is on this machine: it answers at once.
			conn, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			done := make(chan struct{}, 2)
			pipe := func(a, b net.Conn) { _, _ = io.Copy(a, b); done <- struct{}{} }
			go pipe(from, conn)
			go pipe(conn, from)
			<-done
		}()
	}
}

func (c Config) hubPrograms() []program {
	component := func(name string, args ...string) program {
		k := c.file(trim(name) + ".kubeconfig")
		return c.program(name, append([]string{
			"--kubeconfig=" + k, "--authentication-kubeconfig=" + k, "--authorization-kubeconfig=" + k,
			"--bind-address=127.0.0.1", "--cert-dir=" + c.file(name), "--leader-elect=false",
		}, args...)...)
	}
	return []program{
		c.program("etcd", "--data-dir="+c.file("etcd"), "--unsafe-no-fsync", "--log-level=warn",
			"--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
			"--listen-peer-urls=http://127.0.0.1:2380"),
		c.program("registry", "--listen="+Registry, "--blobs="+filepath.Join(c.Cache, "images", "blobs"), "--images="+filepath.Join(c.Cache, "images")),
		c.program("kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
			fmt.Sprintf("--bind-address=%s", hubAddress), fmt.Sprintf("--secure-port=%d", apiPort), "--advertise-address="+hubAddress,
			"--tls-cert-file="+c.file("apiserver.crt"), "--tls-private-key-file="+c.file("apiserver.key"), "--client-ca-file="+c.file("ca.crt"),
			// The controller manager logs errors if nobody vouches for front proxies.
			"--requestheader-client-ca-file="+c.file("ca.crt"), "--requestheader-allowed-names=front-proxy",
			"--cert-dir="+c.file("kube-apiserver"), "--service-cluster-ip-range="+serviceCIDR,
			"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
			"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+c.file("sa.key"),
			"--service-account-signing-key-file="+c.file("sa.key"),
			"--kubelet-client-certificate="+c.file("kubelet-client.crt"), "--kubelet-client-key="+c.file("kubelet-client.key"),
			"--kubelet-certificate-authority="+c.file("ca.crt"), "--kubelet-preferred-address-types=InternalIP"),
		component("kube-controller-manager", "--service-account-private-key-file="+c.file("sa.key"), "--root-ca-file="+c.file("ca.crt"),
			"--use-service-account-credentials=true", "--allocate-node-cidrs=false", "--node-monitor-period=1s", "--node-monitor-grace-period=10s"),
		component("kube-scheduler"),
	}
}

// trim is a component's name without what all begin with.
func trim(name string) string { return name[len("kube-"):] }

func (c Config) program(name string, args ...string) program {
	return program{name: name, path: c.bin(name), args: args, log: c.log(name)}
}

// host is the host of an address.
func host(address string) string {
	h, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return h
}
