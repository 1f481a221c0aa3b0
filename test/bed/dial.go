package bed

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"golang.org/x/sys/unix"
)

// A Dialer connects to an IP address and a port.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// DialFrom returns a Dialer whose connections begin in the network of a node, so that they reach pods and Services as the node's own
// pods do. They live on while the node is dead; its kube-proxy then learns nothing new.
func (c Config) DialFrom(n Node) Dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialIn(ctx, filepath.Join(netns, c.namespace(n.Name())), network, address)
		return conn, errors.Wrapf(err, "cannot connect to %s from %s", address, n.Name())
	}
}

// LookupFrom returns a function that finds the addresses of a Service, called <service>.<namespace>.svc, as a pod on a node does.
func (c Config) LookupFrom(n Node) func(ctx context.Context, host string) ([]string, error) {
	dial := c.DialFrom(n)
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, net.JoinHostPort(dnsService, "53"))
	}}
	return func(ctx context.Context, host string) ([]string, error) {
		found, err := r.LookupHost(ctx, host+"."+domain+".")
		return found, errors.Wrapf(err, "cannot find %s from %s", host, n.Name())
	}
}

// dialIn connects from a network namespace. A socket belongs for good to the namespace that its thread was in when it was made, so the
// thread goes there, and comes back.
func dialIn(ctx context.Context, namespace, network, address string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	out := make(chan result, 1)
	go func() {
		// It is not unlocked if it cannot come back: then the thread ends with this goroutine.
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			out <- result{err: errors.Wrap(err, "cannot find the way back")}
			return
		}
		defer func() { _ = home.Close() }()
		if err := enterNetwork(namespace); err != nil {
			out <- result{err: err}
			return
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		out <- result{conn: conn, err: err}
	}()
	r := <-out
	return r.conn, r.err
}

func enterNetwork(namespace string) error {
	f, err := os.Open(filepath.Clean(namespace))
	if err != nil {
		return errors.Wrap(err, "cannot open network namespace")
	}
	defer func() { _ = f.Close() }()
	return errors.Wrap(unix.Setns(int(f.Fd()), unix.CLONE_NEWNET), "cannot enter network namespace")
}
