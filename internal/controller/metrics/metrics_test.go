package metrics

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// values of all series, by name and labels.
func values(t *testing.T, m *Metrics) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(m); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, s := range f.GetMetric() {
			name := []string{f.GetName()}
			for _, l := range s.GetLabel() {
				name = append(name, l.GetName()+"="+l.GetValue())
			}
			out[strings.Join(name, " ")] = s.GetCounter().GetValue() + s.GetGauge().GetValue() + float64(s.GetHistogram().GetSampleCount())
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	m := New()
	m.Mutation("A", "create", nil)
	m.Mutation("A", "update", errors.Wrap(topo.ErrFenced, "x"))
	m.Guard("A", "Stale")
	m.MapFailure("A")
	m.Request(time.Second, errors.Wrap(topo.ErrUnavailable, "x"))
	m.Request(time.Second, context.Canceled)
	m.Request(time.Second, errors.New("x"))
	m.Store(2)
	m.Store(-1)
	m.Watch(1)
	m.WatchList()
	m.WatchRestart()
	m.Parked("A", 3)
	m.Parked("A", -1)
	want := map[string]float64{
		"multigres_provider_mutations_total kind=A operation=create result=ok":     1,
		"multigres_provider_mutations_total kind=A operation=update result=fenced": 1,
		"multigres_provider_fenced_writes_total kind=A":                            1,
		"multigres_provider_guard_results_total kind=A result=Stale":               1,
		"multigres_provider_map_failures_total kind=A":                             1,
		"multigres_provider_topology_request_seconds result=unavailable":           1,
		"multigres_provider_topology_request_seconds result=canceled":              1,
		"multigres_provider_topology_request_seconds result=error":                 1,
		"multigres_provider_topology_stores":                                       1,
		"multigres_provider_topology_watches":                                      1,
		"multigres_provider_topology_watch_lists_total":                            1,
		"multigres_provider_topology_watch_restarts_total":                         1,
		"multigres_provider_topology_backlog kind=A":                               2,
	}
	if diff := cmp.Diff(want, values(t, m)); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}
