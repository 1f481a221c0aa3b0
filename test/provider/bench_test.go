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

// BenchmarkDatabaseRecords takes 1,000 records through their life by the provider's process, with a real API server, and writes as
// much to the same etcd without any of it. It is the whole way: a managed resource costs some five writes of the API server, which
// runs on the same machine. What the store alone can do is measured in test/topo.
func BenchmarkDatabaseRecords(b *testing.B) {
	records, rest := 1000, time.Minute
	if testing.Short() {
		records, rest = 20, 2*time.Second
	}
	for range b.N {
		b.StopTimer()
		s := begin(b)
		st := s.own()
		s.config("pc", st, "")
		names := make([]string, 0, records)
		for i := range records {
			names = append(names, fmt.Sprint("d", i))
		}
		each(workers, names, func(n string) {
			d := database(n, "pc", "z1", "z2", "z3")
			d.Namespace = s.ns
			s.must(s.kube.Create(s.Context(), d))
		})
		b.StartTimer()
		report(b, s, st, names, rest)
		b.StopTimer()
		s.release()
	}
}

// report measures one life of all records.
func report(b *testing.B, s *scenario, st *store, names []string, rest time.Duration) {
	b.Helper()
	n := float64(len(names))
	r := s.provider(with("--poll="+rest.String(), "--max-reconcile-rate=10000", fmt.Sprint("--concurrency=", workers)))
	idle := s.memory(r)

	created := s.timed("all are created", func() bool { return st.count("databases/") == len(names) })
	s.until("all are at rest", func(ctx context.Context) error { return s.allSettled(ctx, len(names)) })
	b.ReportMetric(n/created.Seconds(), "created/s")
	b.ReportMetric((s.memory(r)-idle)/n*1000, "MiB/1000")

	// At rest only the poll reads.
	requests, calls := len(s.requests(r.user)), s.metric(r, "multigres_provider_topology_request_seconds_count")
	time.Sleep(rest)
	perHour := time.Hour.Seconds() / rest.Seconds()
	b.ReportMetric(float64(len(s.requests(r.user))-requests)*perHour, "api-requests/h")
	b.ReportMetric((s.metric(r, "multigres_provider_topology_request_seconds_count")-calls)*perHour, "etcd-requests/h")

	// Unchanged: each is observed once when the provider starts anew.
	r.Kill()
	r = s.launch(append([]option{with("--max-reconcile-rate=10000", fmt.Sprint("--concurrency=", workers))}, alone...)...)
	s.until("it reconciles", func(context.Context) error {
		if !s.answers(r) || s.reconciles(r, databaseController) == 0 {
			return errors.New("not yet")
		}
		return nil
	})
	first := s.reconciles(r, databaseController)
	observed := s.timed("all are observed", func() bool { return s.reconciles(r, databaseController) >= n })
	b.ReportMetric((n-first)/observed.Seconds(), "observed/s")

	revision := st.now()
	go each(workers, names, func(name string) {
		d := &v1alpha1.DatabaseRecord{ObjectMeta: metaIn(s.ns, name)}
		p := []byte(`{"spec":{"forProvider":{"cells":["z1","z2"]}}}`)
		s.must(s.kube.Patch(s.Context(), d, client.RawPatch("application/merge-patch+json", p)))
	})
	changed := s.timed("all are changed", func() bool { return st.now() >= revision+int64(len(names)) })
	b.ReportMetric(n/changed.Seconds(), "changed/s")

	b.ReportMetric(n/raw(s, st, names).Seconds(), "raw-txn/s")
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
