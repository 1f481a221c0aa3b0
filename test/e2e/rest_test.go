package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/fn"
)

const (
	// envRest and envRestClusters are for how long how many clusters are watched
	// while nothing is to happen.
	envRest         = "E2E_REST"
	envRestClusters = "E2E_REST_CLUSTERS"

	// jitter is by how much Crossplane makes a time to live shorter or longer, in
	// parts of it (internal/controller/apiextensions/composite/reconciler.go).
	jitter = 10

	// usagePoll is how often Crossplane looks at a Usage (its --poll-interval).
	usagePoll = time.Minute
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
// often as the function asks for. The clusters come to rest while other scenarios
// run, and are watched while they do: what is counted is theirs alone.
func TestRest(t *testing.T) {
	shown := scenario(t)
	length := setting(t, envRest, 2*time.Minute, time.ParseDuration)
	of := setting(t, envRestClusters, 2, strconv.Atoi)

	clusters, namespaces := make([]*v1alpha1.MultigresCluster, of), make([]string, of)
	for i := range of {
		namespaces[i] = namespace(t)
		clusters[i] = minimal(namespaces[i], fmt.Sprintf("rest-%d", i))
		create(t, shared.Client(), clusters[i])
	}

	t.Parallel()

	for _, c := range clusters {
		readyWithin(t, time.Duration(of)*converge, c)
	}

	settled(t, namespaces)

	for _, ns := range namespaces {
		quiet(t, ns)
	}

	before, begin := watched(t, namespaces), time.Now()

	// This is the time in which nothing is to happen.
	select {
	case <-time.After(length):
	case <-t.Context().Done():
	}

	end := time.Now()
	after := watched(t, namespaces)
	number, composites := unchanged(t, before, after)
	most := int(length/(fn.DefaultTTLAtRest-fn.DefaultTTLAtRest/jitter)) + 1

	used, usages := inUse(after)
	applied, protected := applies(t, writes(t, begin, end, namespaces...), used, most)

	if most := usages * (int(length/usagePoll) + 1); protected > most {
		t.Errorf("Crossplane should have said at most %d times of objects that they are in use, did %d times", most, protected)
	}

	calls := functionCalls(t, begin, end, namespaces)

	// Nobody wakes anybody: every composite is composed when its time has come, and then only.
	for _, name := range composites {
		if calls[name] > most {
			t.Errorf("the function should have been called at most %d times for %s, was %d times", most, name, calls[name])
		}
	}

	total := 0
	for _, n := range calls {
		total += n
	}

	hours, perSecond := length.Hours(), float64(of)*length.Seconds()
	shown("%d clusters, %d objects, %s: 0 changes; writes are Crossplane's alone: %.1f per object and hour by composing, %.1f per Usage and hour by protecting, together %.3f per cluster and second; %.1f function calls per composite and hour",
		of, number, length, float64(applied)/float64(number)/hours, float64(protected)/float64(usages)/hours, float64(applied+protected)/perSecond, float64(total)/float64(len(composites))/hours)
}

// settled waits until all composites of some namespaces have been ready for so
// long that the function asks for nothing but what it does at rest.
func settled(t *testing.T, namespaces []string) {
	t.Helper()

	const stay = 10 * time.Second

	deadline := time.Now().Add(settling + converge)

	for {
		left, why := time.Duration(0), ""

		for _, ns := range namespaces {
			for name, o := range objects(t, ns) {
				if rest := untilSettled(o); rest > left {
					left, why = rest, ns+" "+name
				}
			}
		}

		if left == 0 {
			return
		}

		if time.Now().After(deadline) {
			t.Fatalf("clusters should be at rest, but %s is not for another %s", why, left)
		}

		select {
		case <-time.After(min(left+time.Second, stay)):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// untilSettled is how long a composite is not at rest yet. The last answer that
// was not one of rest is good for another short time to live.
func untilSettled(o *unstructured.Unstructured) time.Duration {
	if o.GroupVersionKind().Group != v1alpha1.Group {
		return 0
	}

	longest := settling + 2*fn.DefaultTTLInProgress

	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	left, ready := time.Duration(0), false

	for _, c := range conditions {
		m, _ := c.(map[string]any)
		ready = ready || m["type"] == "Ready" && m["status"] == "True"

		if m["type"] == "Ready" || m["type"] == "Responsive" && m["status"] == "False" {
			s, _ := m["lastTransitionTime"].(string)
			since, _ := time.Parse(time.RFC3339, s)
			left = max(left, longest-time.Since(since))
		}
	}

	if !ready {
		return longest
	}

	return left
}

// watched are all objects of some namespaces.
func watched(t *testing.T, namespaces []string) map[string]*unstructured.Unstructured {
	t.Helper()

	m := map[string]*unstructured.Unstructured{}
	for _, ns := range namespaces {
		for name, o := range objects(t, ns) {
			m[ns+" "+name] = o
		}
	}

	return m
}

// unchanged fails the test if an object was made, changed or deleted. It returns
// their number and the composites' names.
func unchanged(t *testing.T, before, after map[string]*unstructured.Unstructured) (int, []string) {
	t.Helper()

	var composites []string

	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] == nil || before[name].GetResourceVersion() != after[name].GetResourceVersion() {
			t.Errorf("%s should not have changed", name)
		}

		if after[name].GroupVersionKind().Group == v1alpha1.Group {
			composites = append(composites, after[name].GetNamespace()+"/"+after[name].GetName())
		}

		delete(before, name)
	}

	for name := range before {
		t.Errorf("%s should still be there", name)
	}

	return len(after), composites
}

// applies fails the test if anybody but Crossplane wrote, or it more often to one
// object than it should. It returns how often it composed, and how often it said
// again of an object that it is in use, which no setting of ours changes: it does
// so once for each Usage and poll interval
// (internal/controller/protection/usage/reconciler.go).
func applies(t *testing.T, all []request, used map[string]bool, most int) (composed, protected int) {
	t.Helper()

	each, composites := map[string]int{}, map[string]bool{}

	for _, r := range all {
		what := fmt.Sprintf("%s %s/%s/%s %s", r.Verb, r.ObjectRef.Namespace, r.ObjectRef.Resource, r.ObjectRef.Name, r.ObjectRef.Subresource)

		if who(r.User.Username) != "crossplane" {
			t.Errorf("%s should not have written: %s", r.User.Username, what)
			continue
		}

		if r.Verb == "update" && r.ObjectRef.Subresource == "" && used[r.ObjectRef.Namespace+" "+r.ObjectRef.Name] {
			protected++
			continue
		}

		composed++
		each[what]++
		composites[what] = r.ObjectRef.APIGroup == v1alpha1.Group && r.ObjectRef.Subresource == ""
	}

	for _, what := range slices.Sorted(maps.Keys(each)) {
		// A composite is applied by the one above it, and writes each time that it is composed what it refers to
		// (internal/controller/apiextensions/composite/composition_functions.go).
		allowed := most
		if composites[what] {
			allowed = 2 * most
		}

		if each[what] > allowed {
			t.Errorf("Crossplane should have written at most %d times, did %d times: %s", allowed, each[what], what)
		}
	}

	return composed, protected
}

// inUse are the objects that are protected by a Usage, and how many Usages there are.
func inUse(all map[string]*unstructured.Unstructured) (map[string]bool, int) {
	used, n := map[string]bool{}, 0

	for _, o := range all {
		if o.GetLabels()["crossplane.io/in-use"] == "true" {
			used[o.GetNamespace()+" "+o.GetName()] = true
		}

		if o.GetKind() == "Usage" {
			n++
		}
	}

	return used, n
}

// functionCalls are how often all pods of the function say that they have composed
// each composite of some namespaces in a time.
func functionCalls(t *testing.T, from, to time.Time, namespaces []string) map[string]int {
	t.Helper()

	logs, err := filepath.Glob(filepath.Join(shared.Dir(), "log", "*function-multigres*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("cannot find the function's logs: %v", err)
	}

	calls := map[string]int{}

	for _, log := range logs {
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}

		for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
			name, at := composed(lines.Text())
			if ns, _, _ := strings.Cut(name, "/"); slices.Contains(namespaces, ns) && at.After(from) && at.Before(to) {
				calls[name]++
			}
		}
	}

	return calls
}

// composed is the composite of which a line of the function's log says that it was
// composed, and when; empty if it says something else.
func composed(line string) (string, time.Time) {
	const (
		message = "Composed"
		layout  = "2006-01-02T15:04:05.000Z0700"
	)

	fields := strings.Split(line, "\t")
	if n := len(fields); n < 3 || fields[n-2] != message {
		return "", time.Time{}
	}

	var of struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	}
	if err := json.Unmarshal([]byte(fields[len(fields)-1]), &of); err != nil {
		return "", time.Time{}
	}

	at, err := time.Parse(layout, fields[0])
	if err != nil {
		return "", time.Time{}
	}

	return of.Namespace + "/" + of.Name, at
}
