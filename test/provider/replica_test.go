package provider

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/test/process"
	"github.com/crossplane-multigres/crossplane-multigres/test/proxy"
)

const (
	leaseName = "crossplane-leader-election-provider-multigres"

	// leaseDuration is that of brief leases.
	leaseDuration = 4 * time.Second
)

// brief is a lease that is so short that a takeover takes seconds, for scenarios in which a leader is killed or suspended. On a machine
// that is busy with other things a leader loses it at times.
var brief = with("--leader-election-lease="+leaseDuration.String(), "--leader-election-renew=3s")

// A replica of the provider is a process with a service account of its own.
type replica struct {
	*process.Process

	user    string
	metrics string
	health  string
}

// An option of a replica.
type option func(*settings)

type settings struct {
	args []string
	env  []string
	api  *proxy.API
}

// with further arguments, of which the last counts.
func with(args ...string) option { return func(s *settings) { s.args = append(s.args, args...) } }

// env adds variables to the environment.
func env(vars ...string) option { return func(s *settings) { s.env = append(s.env, vars...) } }

// through a proxy before the API server.
func through(p *proxy.API) option { return func(s *settings) { s.api = p } }

// provider starts a replica and waits until it works, or until another one does.
func (s *scenario) provider(options ...option) *replica {
	s.Helper()
	r := s.launch(options...)
	s.until("a replica leads", func(ctx context.Context) error {
		select {
		case <-r.Exited():
			s.Fatalf("provider has ended: %s", r.Tail(4000))
		default:
		}
		holder, err := s.leader(ctx)
		if err == nil && holder == "" {
			err = errors.New("nobody leads")
		}
		return err
	})
	return r
}

// launch starts a replica.
func (s *scenario) launch(options ...option) *replica {
	s.Helper()
	set := settings{}
	for _, o := range options {
		o(&set)
	}
	name := fmt.Sprintf("provider-%d", len(s.replicas))
	s.must(client.IgnoreAlreadyExists(s.kube.Create(s.Context(), &corev1.ServiceAccount{ObjectMeta: metaIn(s.ns, name)})))
	cfg, err := s.plane.ServiceAccount(s.Context(), s.ns, name)
	s.must(err)
	if set.api != nil {
		cfg = &rest.Config{Host: set.api.URL, TLSClientConfig: rest.TLSClientConfig{CAData: set.api.CA}, BearerToken: cfg.BearerToken}
	}
	kubeconfig, err := s.plane.Kubeconfig(cfg)
	s.must(err)
	metrics, err := process.FreeAddress()
	s.must(err)
	health, err := process.FreeAddress()
	s.must(err)
	p, err := s.plane.Run(process.Config{
		Name: s.ns + "-" + name,
		Path: os.Getenv(envProvider),
		Args: append([]string{
			"--debug", "--namespaces=" + s.ns, "--leader-election-namespace=" + s.ns,
			"--leader-election-lease=1m", "--leader-election-renew=40s", "--leader-election-retry=500ms",
			"--metrics-address=" + metrics, "--health-address=" + health,
			"--max-reconcile-rate=100", "--backoff-base=200ms", "--backoff-max=5s", "--poll=1h",
		}, set.args...),
		Env: append([]string{"KUBECONFIG=" + kubeconfig, "POD_NAMESPACE=" + s.ns, "POD_UID=" + s.ns + "-" + name}, set.env...),
	})
	s.must(err)
	r := &replica{Process: p, user: "system:serviceaccount:" + s.ns + ":" + name, metrics: metrics, health: health}
	s.replicas = append(s.replicas, r)
	return r
}

// leader returns who holds the lease, empty if nobody does.
func (s *scenario) leader(ctx context.Context) (string, error) {
	l := &coordinationv1.Lease{}
	if err := s.kube.Get(ctx, client.ObjectKey{Namespace: s.ns, Name: leaseName}, l); err != nil {
		return "", err
	}
	if l.Spec.HolderIdentity == nil {
		return "", nil
	}
	return *l.Spec.HolderIdentity, nil
}

// status returns the HTTP status of a path, 0 if there is no answer.
func status(address, path string) int {
	c := http.Client{Timeout: 2 * time.Second}
	resp, err := c.Get("http://" + address + path)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// metric returns the sum of a metric over all of its series that have the given labels, as in `name="value"`.
func (s *scenario) metric(r *replica, name string, labels ...string) float64 {
	s.Helper()
	c := http.Client{Timeout: 5 * time.Second}
	resp, err := c.Get("http://" + r.metrics + "/metrics")
	s.must(err)
	defer resp.Body.Close()
	sum := 0.0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		series, value, ok := cutLast(lines.Text(), " ")
		if !ok || series != name && !strings.HasPrefix(series, name+"{") || !containsAll(series, labels) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		s.must(err)
		sum += v
	}
	return sum
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func containsAll(s string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

// ended waits until a process has ended by itself.
func (s *scenario) ended(r *replica) {
	s.Helper()
	select {
	case <-r.Exited():
	case <-time.After(patience):
		s.Fatalf("process should have ended: %s", r.Tail(2000))
	}
}
