// Package demo shows a cluster from its ten lines to rows that were written and read through its gateway.
package demo

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// What the demonstration applies.
var (
	//go:embed namespace.yaml
	namespace []byte
	//go:embed cluster.yaml
	cluster []byte
	//go:embed client.yaml
	client []byte
)

const (
	poll = 2 * time.Second

	// query writes rows and reads them back.
	query = "create table if not exists orders (id int primary key, item text); " +
		"insert into orders select g, 'item ' || g from generate_series(1, 1000) g on conflict do nothing; " +
		"select count(*), max(id) from orders"
	answer = "1000|1000"
)

// errAnswer means that what was read is not what was written.
var errAnswer = errors.New("the rows that were read are not those that were written")

// A Kubectl runs kubectl with what is on its standard input, and returns what it prints.
type Kubectl func(ctx context.Context, in []byte, args ...string) (string, error)

// Run creates the cluster in namespace app-team, by a claim if that is wanted, shows how it comes to be, and uses it. It leaves all
// of it there.
func Run(ctx context.Context, kubectl Kubectl, out io.Writer, claim bool) error {
	begin := time.Now()
	wanted := cluster
	if claim {
		// Its spec is the same.
		wanted = bytes.Replace(cluster, []byte("kind: MultigresCluster\n"), []byte("kind: MultigresClusterClaim\n"), 1)
	}
	for _, o := range [][]byte{namespace, wanted} {
		if _, err := kubectl(ctx, o, "apply", "--server-side", "-f", "-"); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(out, "%s\n", wanted)
	if err := watch(ctx, kubectl, out, begin); err != nil {
		return err
	}
	if _, err := kubectl(ctx, client, "apply", "--server-side", "-f", "-"); err != nil {
		return err
	}
	if _, err := kubectl(ctx, nil, "-n", "app-team", "wait", "--for=condition=Ready", "--timeout=2m", "pod/psql"); err != nil {
		return err
	}
	if err := use(ctx, kubectl, out, begin); err != nil {
		return err
	}
	tree, err := kubectl(ctx, nil, "-n", "app-team", "get", "multigresclusters,toposervers,cells,tablegroups,shards,pods,pvc,services")
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "\n%s\nConnect:    kubectl -n app-team exec -it psql -- psql\n", tree)
	_, _ = fmt.Fprintf(out, "Or:         kubectl -n app-team port-forward service/orders-multigateway 5432, with what is in Secret orders-connection\n")
	_, _ = fmt.Fprintf(out, "Tear down:  kubectl delete namespace app-team\nTotal:      %.0f s\n", time.Since(begin).Seconds())
	return nil
}

// watch prints what changes until the cluster is ready. A claim makes the cluster a moment later.
func watch(ctx context.Context, kubectl Kubectl, out io.Writer, begin time.Time) error {
	const columns = `jsonpath={.status.phase}: {.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].message}`
	last := ""
	for {
		now, err := kubectl(ctx, nil, "-n", "app-team", "get", "multigrescluster", "orders", "--ignore-not-found", "-o", columns)
		if err != nil {
			return err
		}
		pods, err := kubectl(ctx, nil, "-n", "app-team", "get", "pods", "-o", `jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}`)
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s, %d of %d pods ready", strings.TrimSpace(now), strings.Count(pods, "True"), len(strings.Fields(pods)))
		if line != last {
			_, _ = fmt.Fprintf(out, "%5.0f s  %s\n", time.Since(begin).Seconds(), line)
			last = line
		}
		if strings.Contains(now, ": True") {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Wrapf(ctx.Err(), "cannot wait any longer: %s", line)
		case <-time.After(poll):
		}
	}
}

// use writes and reads through the gateway. A gateway may refuse for a moment while it learns who leads.
func use(ctx context.Context, kubectl Kubectl, out io.Writer, begin time.Time) error {
	for {
		got, err := kubectl(ctx, nil, "-n", "app-team", "exec", "psql", "--", "psql", "-qtA", "-v", "ON_ERROR_STOP=1", "-c", query)
		if err == nil {
			if strings.TrimSpace(got) != answer {
				return errors.Wrapf(errAnswer, "got %q", got)
			}
			_, _ = fmt.Fprintf(out, "%5.0f s  1000 rows written and read through the gateway\n", time.Since(begin).Seconds())
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Wrap(err, "cannot query any longer")
		case <-time.After(poll):
		}
	}
}
