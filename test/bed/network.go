package bed

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// netns is where iproute2 keeps named network namespaces.
const netns = "/run/netns"

// command runs a program of the machine; what it said is part of the error.
func command(name string, args ...string) error {
	//nolint:noctx // It changes something and ends at once.
	out, err := exec.Command(name, args...).CombinedOutput()
	return errors.Wrapf(err, "cannot run %s %s: %s", name, strings.Join(args, " "), strings.TrimSpace(string(out)))
}

// lines runs one command of ip(8) for each line.
func ip(commands ...string) error {
	for _, c := range commands {
		if err := command("ip", strings.Fields(c)...); err != nil {
			return err
		}
	}
	return nil
}

// createHubNetwork makes the hub's namespace with the bridge that all nodes are plugged into.
func (c Config) createHubNetwork() error {
	hub := c.namespace("")
	err := ip(
		"netns add "+hub,
		"-n "+hub+" link set lo up",
		"-n "+hub+" link add bridge type bridge",
		"-n "+hub+" addr add "+hubAddress+"/24 dev bridge",
		"-n "+hub+" link set bridge up",
	)
	if err != nil {
		return err
	}
	for _, n := range c.Nodes() {
		if err := ip("-n " + hub + " route add " + n.Pods() + " via " + n.Address()); err != nil {
			return err
		}
	}
	return c.routeServices(c.Nodes()[0])
}

// routeServices leads the API server to services, so that it reaches webhooks, through a node whose kube-proxy lives.
func (c Config) routeServices(n Node) error {
	return ip("-n " + c.namespace("") + " route replace " + serviceCIDR + " via " + n.Address())
}

// routeAround leads the API server to services through another node than one that is about to fail.
func (c Config) routeAround(n Node) error {
	for _, o := range c.Nodes() {
		if o != n && c.noted(o.Name()) != 0 {
			return c.routeServices(o)
		}
	}
	return nil
}

// createNodeNetwork makes a node's namespace and plugs it in, unless it is there.
func (c Config) createNodeNetwork(n Node) error {
	hub, ns := c.namespace(""), c.namespace(n.Name())
	if _, err := os.Stat(filepath.Join(netns, ns)); err == nil {
		return nil
	}
	err := ip(
		"netns add "+ns,
		"link add "+n.Name()+" netns "+hub+" type veth peer name eth0 netns "+ns,
		"-n "+hub+" link set "+n.Name()+" master bridge up",
		"-n "+ns+" addr add "+n.Address()+"/24 dev eth0",
		"-n "+ns+" link set lo up",
		"-n "+ns+" link set eth0 up",
		"-n "+ns+" route add default via "+hubAddress,
	)
	if err != nil {
		return err
	}
	for _, o := range c.Nodes() {
		if o != n {
			if err := ip(fmt.Sprintf("-n %s route add %s via %s", ns, o.Pods(), o.Address())); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteNetworks removes all namespaces of the bed. Links go with them.
func (c Config) deleteNetworks() error {
	found, err := filepath.Glob(filepath.Join(netns, c.namespace("")+"*"))
	if err != nil {
		return errors.Wrap(err, "cannot list network namespaces")
	}
	for _, f := range found {
		name := filepath.Base(f)
		// A bed's name may be the beginning of another's.
		if name != c.namespace("") && !strings.HasPrefix(name, c.namespace("")+"-") {
			continue
		}
		if err := ip("netns del " + name); err != nil {
			return err
		}
	}
	// iproute2 mounts its folder on first use. Nobody needs it while it is empty.
	if es, err := os.ReadDir(netns); err == nil && len(es) == 0 {
		if err := syscall.Unmount(netns, 0); err == nil {
			return errors.Wrap(os.Remove(netns), "cannot remove folder of network namespaces")
		}
	}
	return nil
}

// Cut takes a node off the network: a partition of its zone. Its programs and pods go on.
func (c Config) Cut(n Node) error {
	if err := c.routeAround(n); err != nil {
		return err
	}
	return ip("-n " + c.namespace("") + " link set " + n.Name() + " nomaster")
}

// Mend plugs a node in again.
func (c Config) Mend(n Node) error {
	return ip("-n " + c.namespace("") + " link set " + n.Name() + " master bridge")
}
