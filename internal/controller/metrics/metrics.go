// Package metrics counts what the controllers do outside of the API server. What controller-runtime counts itself is not repeated
// here: the backlog of a controller is its workqueue_depth, and what waits for room at a topology server (topology_backlog).
package metrics

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// namespace of all metrics.
const namespace = "multigres_provider"

// Labels.
const (
	labelKind      = "kind"
	labelOperation = "operation"
	labelResult    = "result"
)

// Metrics of all controllers of a process. It is safe for concurrent use.
type Metrics struct {
	mutations  *prometheus.CounterVec
	guards     *prometheus.CounterVec
	fenced     *prometheus.CounterVec
	mapping    *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	parked     *prometheus.GaugeVec
	stores     prometheus.Gauge
	watches    prometheus.Gauge
	lists      prometheus.Counter
	restarts   prometheus.Counter
	collectors []prometheus.Collector
}

// New returns metrics that count from zero.
func New() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
	}
	m := &Metrics{
		mutations: counter("mutations_total", "Attempts to create, update or delete external resources.", labelKind, labelOperation, labelResult),
		guards:    counter("guard_results_total", "Changes that the guard did not let begin, and locks that it broke or could not remove.", labelKind, labelResult),
		fenced:    counter("fenced_writes_total", "Writes that a topology server refused because another replica leads.", labelKind),
		mapping:   counter("map_failures_total", "Failures to find out what a change of another object wakes. They are retried.", labelKind),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "topology_request_seconds", Help: "How long calls of topology servers took, and how they ended.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{labelResult}),
		parked: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "topology_backlog", Help: "Managed resources that wait because as many as may be are at their topology server.",
		}, []string{labelKind}),
		stores:  gauge("topology_stores", "Open connections to topologies."),
		watches: gauge("topology_watches", "Watches of topologies that are running. There is one for each store."),
		lists: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "topology_watch_lists_total", Help: "Times that a watch had to list a topology, at its beginning or because it missed changes.",
		}),
		restarts: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "topology_watch_restarts_total", Help: "Times that a watch ended by itself and was started again.",
		}),
	}
	m.collectors = []prometheus.Collector{
		m.mutations, m.guards, m.fenced, m.mapping, m.latency, m.parked, m.stores, m.watches, m.lists, m.restarts,
	}
	return m
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.collectors {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.collectors {
		c.Collect(ch)
	}
}

// Mutation counts an attempt to change the external resource of a kind.
func (m *Metrics) Mutation(kind, operation string, err error) {
	m.mutations.WithLabelValues(kind, operation, result(err)).Inc()
	if errors.Is(err, topo.ErrFenced) {
		m.fenced.WithLabelValues(kind).Inc()
	}
}

// Guard counts what the guard reported.
func (m *Metrics) Guard(kind, result string) { m.guards.WithLabelValues(kind, result).Inc() }

// MapFailure counts a failure to map a change for the controller of a kind.
func (m *Metrics) MapFailure(kind string) { m.mapping.WithLabelValues(kind).Inc() }

// Request counts a call of a topology server.
func (m *Metrics) Request(took time.Duration, err error) {
	m.latency.WithLabelValues(result(err)).Observe(took.Seconds())
}

// Parked counts managed resources of a kind that wait for room at their topology server, or wait no more if n is negative.
func (m *Metrics) Parked(kind string, n int) { m.parked.WithLabelValues(kind).Add(float64(n)) }

// Store counts stores that were opened, or closed if n is negative.
func (m *Metrics) Store(n int) { m.stores.Add(float64(n)) }

// Watch counts watches that began, or ended if n is negative.
func (m *Metrics) Watch(n int) { m.watches.Add(float64(n)) }

// WatchList counts a list at the beginning of a watch.
func (m *Metrics) WatchList() { m.lists.Inc() }

// WatchRestart counts a watch that ended by itself.
func (m *Metrics) WatchRestart() { m.restarts.Inc() }

// classes of errors that have a result of their own.
var classes = []struct {
	err  error
	name string
}{
	{topo.ErrAbsent, "absent"},
	{topo.ErrExists, "exists"},
	{topo.ErrConflict, "conflict"},
	{topo.ErrFenced, "fenced"},
	{topo.ErrOwnedByOther, "owned_by_other"},
	{topo.ErrUnavailable, "unavailable"},
	{topo.ErrDenied, "denied"},
	{topo.ErrInvalid, "invalid"},
	{context.Canceled, "canceled"},
}

// result is the label of how something ended.
func result(err error) string {
	if err == nil {
		return "ok"
	}
	for _, c := range classes {
		if errors.Is(err, c.err) {
			return c.name
		}
	}
	return "error"
}
