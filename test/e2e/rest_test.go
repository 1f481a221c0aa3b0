package e2e

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/fn"
	"github.com/crossplane-multigres/crossplane-multigres/test/crossplane"
)

const (
	// envRest and envRestClusters are for how long how many clusters are watched
	// while nothing is to happen.
	envRest         = "E2E_REST"
	envRestClusters = "E2E_REST_CLUSTERS"

	// metricsPort is where the function tells how often it was called.
	metricsPort = 8080

	// callMetric counts the calls.
	callMetric = "grpc_server_handled_total"
)

// setting is an environment variable's value, or what it is without.
func setting[T any](t *testing.T, env string, without T, parse func(string) (T, error)) T {
	t.Helper()

	v := os.Getenv(env)
	if v == "" {
		return without
	}

	parsed, err := parse(v)
	if err != nil {
		t.Fatalf("cannot use %s: %v", env, err)
	}

	return parsed
}

// TestRest shows that nothing moves when nothing is to happen: no object changes,
// and nobody writes but Crossplane, which applies what is applied already as
// often as the function asks for.
func TestRest(t *testing.T) {
	shown := scenario(t)
	length := setting(t, envRest, 2*time.Minute, time.ParseDuration)
	number := setting(t, envRestClusters, 2, strconv.Atoi)

	var namespaces []string

	for i := range number {
		ns := namespace(t)
		c := minimal(ns, fmt.Sprintf("rest-%d", i))
		create(t, shared.Client(), c)
		ready(t, c)
		namespaces = append(namespaces, ns)
	}

	versions := func() map[string]string {
		m := map[string]string{}
		for _, ns := range namespaces {
			for name, o := range objects(t, ns) {
				m[ns+" "+name] = o.GetResourceVersion()
			}
		}

		return m
	}

	for _, ns := range namespaces {
		quiet(t, ns)
	}
	before := versions()

	calls, begin := functionCalls(t), time.Now()

	// This is the time in which nothing is to happen.
	select {
	case <-time.After(length):
	case <-t.Context().Done():
	}

	end := time.Now()
	calls = functionCalls(t) - calls
	after := versions()
	composed := 0

	for _, name := range slices.Sorted(maps.Keys(after)) {
		composed++
		if before[name] != after[name] {
			t.Errorf("%s should not have changed", name)
		}
	}

	byUser := map[string]int{}

	for _, r := range writes(t, begin, end, namespaces...) {
		byUser[who(r.User.Username)]++

		if who(r.User.Username) != "crossplane" {
			t.Errorf("%s should not have written: %s %s %s/%s", r.User.Username, r.Verb, r.ObjectRef.Resource, r.ObjectRef.Namespace, r.ObjectRef.Name)
		}
	}

	// Once more than the time has room for: it begins anywhere between two.
	most := composed * (int(length/(fn.DefaultTTLAtRest*9/10)) + 1)
	if byUser["crossplane"] > most {
		t.Errorf("Crossplane should have applied at most %d times, did %d times", most, byUser["crossplane"])
	}

	hours := length.Hours()
	shown("%d clusters, %d objects, %s: 0 changes, %.1f writes per object and hour, %.0f function calls per cluster and hour",
		number, composed, length, float64(byUser["crossplane"])/float64(composed)/hours, float64(calls)/float64(number)/hours)
}

// functionCalls is how often all pods of the function have been called.
func functionCalls(t *testing.T) int {
	t.Helper()

	pods := &corev1.PodList{}
	if err := shared.Client().List(t.Context(), pods, client.InNamespace(crossplane.Namespace), client.MatchingLabels{"app.kubernetes.io/name": "function-multigres"}); err != nil {
		t.Fatal(err)
	}

	total := 0

	for i := range pods.Items {
		c := shared.Kubelet.Container(pods.Items[i].GetUID())
		if c == nil || c.Address == nil {
			t.Fatalf("function's pod %s does not run", pods.Items[i].GetName())
		}

		total += scrape(t, "http://"+c.Address(metricsPort)+"/metrics", callMetric)
	}

	return total
}

// scrape adds up a counter of a metrics endpoint.
func scrape(t *testing.T, url, metric string) int {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}

	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()

	total := 0

	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 2 && strings.HasPrefix(fields[0], metric+"{") && strings.Contains(fields[0], "RunFunction") {
			n, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				t.Fatal(err)
			}

			total += int(n)
		}
	}

	return total
}
