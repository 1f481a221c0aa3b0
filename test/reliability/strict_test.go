package reliability

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// TestStrict brings up a second cluster with all that can be stricter: every commit in two cells, TLS for applications and between all components;
// and in somebody else's topology server, that of the first. An application writes over TLS, the leader's pod dies, and then the cluster is
// deleted with its volumes: nothing is left of it in its namespace, and in the topology server only what fences off former leaders among providers.
func TestStrict(t *testing.T) {
	supported(t)
	store := the(t)
	const commonName = "orders.example.org"
	c := create(t, "strict", spec(func(s *v1alpha1.MultigresClusterSpec) {
		s.DurabilityPolicy = "MULTI_CELL_AT_LEAST_2"
		s.CertCommonName = commonName
		s.InternalTLS = &v1alpha1.InternalTLSConfig{Enabled: ptr.To(true)}
		s.PVCDeletionPolicy = &v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCDelete, WhenScaled: v1alpha1.PVCDelete}
		s.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{
			v1alpha1.EndpointURL("http://" + naming.ServiceHost(naming.GlobalTopoServer(store.name), store.namespace) + ":2379"),
		}}}
	}))
	r, err := c.record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := r.Status.AtProvider.DurabilityPolicy; p != "MULTI_CELL_AT_LEAST_2" {
		t.Errorf("policy in force is %q", p)
	}
	c.speaksTLS(t, commonName)
	root := naming.TopologyRoot(c.namespace, c.name)
	if len(store.keys(t, root)) == 0 {
		t.Error("the cluster has no records in the shared topology server")
	}

	s := watch(t, c)
	leader := c.leader(t)
	s.strike("leader's pod deleted, TLS, two cells", func() { remove(t, leader) })
	s.recovered(replaced(leader))
	s.end()

	mgc, err := c.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := shared.client.Delete(t.Context(), mgc); err != nil {
		t.Fatalf("cannot delete cluster: %v", err)
	}
	eventually(t, "nothing is left", func(ctx context.Context) error {
		left, err := everything(ctx, c.namespace)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			return errors.Wrap(errNotYet, strings.Join(left, ", "))
		}
		return nil
	})
	// What fences off providers that led before outlives every record: whoever led before could write again without it. It stays for good.
	left := slices.DeleteFunc(store.keys(t, root), func(key string) bool { return strings.HasPrefix(key, root+"/crossplane/fence/") })
	if diff := cmp.Diff([]string{}, left, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("keys of the cluster are left in the shared topology server: -want, +got:\n%s", diff)
	}
	fmt.Printf("reliability: %-22s deleted with its volumes, nothing is left, after %.1f s\n", t.Name(), time.Since(begin).Seconds())
}

// speaksTLS connects as an application does that verifies whom it speaks to.
func (c *cluster) speaksTLS(t *testing.T, commonName string) {
	t.Helper()
	secret := &corev1.Secret{}
	if err := shared.client.Get(t.Context(), client.ObjectKey{Namespace: c.namespace, Name: naming.GatewayTLSSecret(c.name)}, secret); err != nil {
		t.Fatalf("cannot read certificate: %v", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(secret.Data["ca.crt"]) {
		t.Fatalf("the gateways' certificate comes without its authority")
	}
	eventually(t, "an application can connect over TLS", func(ctx context.Context) error {
		target, err := c.target(ctx, shared.alive())
		if err != nil {
			return err
		}
		cfg, err := pgx.ParseConfig(target.URI)
		if err != nil {
			return err
		}
		cfg.DialFunc, cfg.LookupFunc, cfg.Fallbacks = target.Dial, target.Lookup, nil
		cfg.TLSConfig = &tls.Config{RootCAs: roots, ServerName: commonName, MinVersion: tls.VersionTLS12}
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		var one int
		return conn.QueryRow(ctx, "select 1").Scan(&one)
	})
}

// keys are those below a root in a cluster's topology server.
func (c *cluster) keys(t *testing.T, root string) []string {
	t.Helper()
	address, options := c.reach(t, naming.GlobalTopoServer(c.name), "2379")
	etcd, err := clientv3.New(clientv3.Config{Endpoints: []string{address}, Context: t.Context(), DialOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = etcd.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// What belongs to a cluster is below its namespace's and its own name: the root, and what its cells have beside it.
	got, err := etcd.Get(ctx, strings.TrimSuffix(root, "global"), clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatalf("cannot read topology: %v", err)
	}
	var keys []string
	for _, kv := range got.Kvs {
		keys = append(keys, string(kv.Key))
	}
	return keys
}
