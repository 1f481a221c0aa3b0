package main

import (
	"context"
	"os"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/util/uuid"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/crossplane-multigres/crossplane-multigres/internal/placement"
)

// leaseName is the name of the lease that replicas contend for.
const leaseName = "crossplane-leader-election-provider-multigres"

// namespaceFile holds the namespace of a pod.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// A leadership is the lease of this replica, and the lock by which it is elected, if it is.
type leadership struct {
	lease placement.Lease
	lock  resourcelock.Interface
}

// lead prepares the election or, without one, takes over at once.
func (c *cli) lead(ctx context.Context, cfg *rest.Config) (leadership, error) {
	namespace, err := c.namespace(os.ReadFile)
	if err != nil {
		return leadership{}, err
	}
	host, err := os.Hostname()
	if err != nil {
		return leadership{}, errors.Wrap(err, "cannot get host name")
	}
	identity := host + "_" + string(uuid.NewUUID())
	cfg = rest.AddUserAgent(cfg, "leader-election")
	// A request that takes longer than a leader may be silent is of no use to it.
	cfg.Timeout = c.LeaderElectionRenew / 2
	leases, err := coordinationclient.NewForConfig(cfg)
	if err != nil {
		return leadership{}, errors.Wrap(err, "cannot create client of leases")
	}
	if c.LeaderElection {
		lock, lease := c.placement().Lock(leases, namespace, leaseName, identity)
		return leadership{lease: lease, lock: lock}, nil
	}
	lease, err := placement.Seize(ctx, leases, namespace, leaseName, identity)
	return leadership{lease: lease}, err
}

// namespace of the lease: that of the flag, that of the pod, or "default" for a process that is not in a pod and shares its work
// with nobody.
func (c *cli) namespace(read func(name string) ([]byte, error)) (string, error) {
	if c.LeaderElectionNamespace != "" {
		return c.LeaderElectionNamespace, nil
	}
	b, err := read(namespaceFile)
	if ns := strings.TrimSpace(string(b)); err == nil && ns != "" {
		return ns, nil
	}
	if !c.LeaderElection {
		return "default", nil
	}
	return "", errors.New("cannot find out the namespace of the lease: set --leader-election-namespace or POD_NAMESPACE")
}
