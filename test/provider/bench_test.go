package provider

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// workers is how many records the provider works on at a time, and how many clients write without it.
const workers = 10

// BenchmarkDatabaseRecords takes 1,000 records through their life by the provider's process, with a real API server, and measures in
// the same run what etcd and what the API server do without it: transactions of the same size, and writes of the same objects.
// What the store alone can do is measured in test/topo.
func BenchmarkDatabaseRecords(b *testing.B) {
	records, rest := 1000, time.Minute
	if testing.Short() {
		records, rest = 20, 2*time.Second
	}
	for range b.N {
		b.StopTimer()
		s := begin(b)
		st := s.own()
		names := make([]string, 0, records)
		for i := range records {
			names = append(names, fmt.Sprint("d", i))
		}
		b.StartTimer()
		l := &life{B: b, s: s, st: st, names: names, rest: rest}
		l.run()
		b.StopTimer()
		s.release()
	}
}

// A life of many records.
type life struct {
	*testing.B

	s     *scenario
	st    *store
	names []string
	rest  time.Duration
	// ceiling is how many writes per second the API server does for clients that do nothing else.
	ceiling float64
}

// run one life of all records.
func (l *life) run() {
	l.Helper()
	s, st, n := l.s, l.st, float64(len(l.names))
	each(workers, l.names, func(name string) { s.must(s.kube.Create(s.Context(), l.record(name))) })
	l.ceiling = 2 * n / l.bare().Seconds()
	l.ReportMetric(l.ceiling, "api-ceiling-writes/s")

	s.config("pc", st, "")
	r := s.provider(with("--debug=false", "--poll="+l.rest.String(), "--max-reconcile-rate=10000", fmt.Sprint("--concurrency=", workers)))
	idle := s.memory(r)
	l.phase(r, "created", func() {}, func() bool { return st.count("databases/") == len(l.names) })
	l.ReportMetric((s.memory(r)-idle)/n*1000, "MiB/1000")

	// At rest only the poll reads.
	before, calls := writes(s.requests(r.user)), s.metric(r, requestCount)
	began := time.Now()
	time.Sleep(l.rest)
	perHour := time.Hour.Seconds() / time.Since(began).Seconds()
	after := writes(s.requests(r.user))
	l.ReportMetric(float64(len(s.requests(r.user))-before.all)*perHour, "api-requests/h")
	l.ReportMetric(float64(after.leases-before.leases)*perHour, "api-lease-requests/h")
	l.ReportMetric(float64(after.writes-before.writes)*perHour, "api-writes/h")
	l.ReportMetric((s.metric(r, requestCount)-calls)*perHour, "etcd-requests/h")

	// Unchanged: each is observed once when the provider starts anew.
	r.Kill()
	r = s.launch(append([]option{with("--debug=false", "--max-reconcile-rate=10000", fmt.Sprint("--concurrency=", workers))}, alone...)...)
	s.until("it reconciles", func(context.Context) error {
		if !s.answers(r) || s.reconciles(r, databaseController) == 0 {
			return errors.New("not yet")
		}
		return nil
	})
	first := s.reconciles(r, databaseController)
	observed := s.timed("all are observed", func() bool { return s.reconciles(r, databaseController) >= n })
	if first < n {
		l.ReportMetric((n-first)/observed.Seconds(), "observed/s")
	}

	revision := st.now()
	l.phase(r, "changed", func() {
		each(workers, l.names, func(name string) {
			p := []byte(`{"spec":{"forProvider":{"cells":["z1","z2"]}}}`)
			s.must(s.kube.Patch(s.Context(), l.named(name), client.RawPatch("application/merge-patch+json", p)))
		})
	}, func() bool { return st.now() >= revision+int64(len(l.names)) })

	l.ReportMetric(n/raw(s, st, l.names).Seconds(), "raw-txn/s")
}

// requestCount is the metric that counts calls of topology servers.
const requestCount = "multigres_provider_topology_request_seconds_count"

func (l *life) named(name string) *v1alpha1.DatabaseRecord {
	return &v1alpha1.DatabaseRecord{ObjectMeta: metaIn(l.s.ns, name)}
}

// record as a person writes it.
func (l *life) record(name string) *v1alpha1.DatabaseRecord {
	d := database(name, "pc", "z1", "z2", "z3")
	d.Namespace = l.s.ns
	return d
}

// phase measures how soon something is true of all records, which others have begun, and what that takes of the API server until
// all is written.
func (l *life) phase(r *replica, name string, begin func(), done func() bool) {
	l.Helper()
	s, n := l.s, float64(len(l.names))
	before := writes(s.requests(r.user)).writes
	go begin()
	took := s.timed("all are "+name, done)
	s.until("all are settled", func(ctx context.Context) error { return s.allSettled(ctx, len(l.names)) })
	time.Sleep(2 * time.Second)
	each := float64(writes(s.requests(r.user)).writes-before) / n
	l.ReportMetric(n/took.Seconds(), name+"/s")
	l.ReportMetric(each, name+"-api-writes/record")
	l.ReportMetric(n/took.Seconds()*each/l.ceiling, name+"-share-of-api-ceiling")
}

// bare writes each record twice, as the provider would, and nothing else.
func (l *life) bare() time.Duration {
	l.Helper()
	began := time.Now()
	each(workers, l.names, func(name string) {
		for i := range 2 {
			p := fmt.Appendf(nil, `{"metadata":{"annotations":{"bench":"%d"}}}`, i)
			l.s.must(l.s.kube.Patch(l.s.Context(), l.named(name), client.RawPatch("application/merge-patch+json", p)))
		}
	})
	return time.Since(began)
}

// A traffic is what somebody asked of the API server.
type traffic struct{ all, writes, leases int }

// writes are the requests by what they do. Leases are counted apart.
func writes(requests []request) traffic {
	out := traffic{all: len(requests)}
	for _, r := range requests {
		switch {
		case r.Object.Resource == "leases":
			out.leases++
		case r.writes():
			out.writes++
		}
	}
	return out
}

// raw writes as many records with their owners as the provider does, in transactions with as many conditions.
func raw(s *scenario, st *store, names []string) time.Duration {
	s.Helper()
	value, err := proto.Marshal(st.database(databaseKey(names[0])))
	s.must(err)
	owner := string(st.value(ownerKey(databaseKey(names[0]))))
	began := time.Now()
	each(workers, names, func(n string) {
		key := "/raw/" + n
		_, err := st.Txn(s.Context()).If(
			clientv3.Compare(clientv3.ModRevision(key), "=", 0),
			clientv3.Compare(clientv3.ModRevision(key+"/owner"), "=", 0),
			clientv3.Compare(clientv3.ModRevision("/raw/fence"), "=", 0),
		).Then(clientv3.OpPut(key, string(value)), clientv3.OpPut(key+"/owner", owner)).Commit()
		s.must(err)
	})
	return time.Since(began)
}

// each calls f for all names, a number of them at a time.
func each(workers int, names []string, f func(name string)) {
	work := make(chan string)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for n := range work {
				f(n)
			}
		})
	}
	for _, n := range names {
		work <- n
	}
	close(work)
	wg.Wait()
}

// timed returns how long it takes until a condition holds.
func (s *scenario) timed(what string, ok func() bool) time.Duration {
	s.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > 10*time.Minute {
			s.Fatalf("not within 10 minutes: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// count returns how many keys there are below a folder.
func (st *store) count(folder string) int {
	st.s.Helper()
	resp, err := st.Get(st.s.Context(), st.s.root+"/"+folder, clientv3.WithPrefix(), clientv3.WithCountOnly())
	st.s.must(err)
	return int(resp.Count)
}

// allSettled says how many of n records are not.
func (s *scenario) allSettled(ctx context.Context, n int) error {
	l := &v1alpha1.DatabaseRecordList{}
	if err := s.kube.List(ctx, l, client.InNamespace(s.ns)); err != nil {
		return err
	}
	for i := range l.Items {
		if l.Items[i].GetCondition("Settled").Status == "True" && l.Items[i].GetCondition("Ready").Status == "True" {
			n--
		}
	}
	if n > 0 {
		return errors.Errorf("%d are not", n)
	}
	return nil
}

// memory of a process in MiB, resident.
func (s *scenario) memory(r *replica) float64 {
	s.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.PID()))
	s.must(err)
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	s.must(err)
	return kib / 1024
}

// answers is true if a replica serves its metrics.
func (s *scenario) answers(r *replica) bool { return status(r.metrics, "/metrics") == 200 }
