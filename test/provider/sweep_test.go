package provider

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	topologies "github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/fault"
	"github.com/crossplane-multigres/crossplane-multigres/internal/guard"
)

// points are all fault points.
var points = []fault.Point{
	fault.AfterLock, fault.BeforeUnlock, fault.AfterWiden, fault.AfterExternal, fault.BeforeNarrow, fault.AfterNarrow,
	fault.BeforeCreate, fault.AfterCreate,
}

// A crime is a place at which the provider is killed: a fault point, met by managed resources of a kind.
type crime struct {
	kind  string
	point fault.Point
}

// crimes are all places. Records of cells and databases are changed together, and go wherever the others go and further.
func crimes() []crime {
	var out []crime
	for _, p := range points {
		out = append(out, crime{kind: recordKinds, point: p})
	}
	for _, kind := range locals {
		for _, p := range []fault.Point{fault.AfterLock, fault.BeforeUnlock, fault.BeforeCreate, fault.AfterCreate} {
			out = append(out, crime{kind: kind, point: p})
		}
	}
	return out
}

// restartLimit is how soon after its restart a provider must have put everything right.
const restartLimit = 10 * time.Second

// A fleet is a number of managed resources of all kinds but ShardRecord (TestShardCrash), and what is expected of them.
type fleet struct {
	s       *scenario
	st      *store
	foreign map[string][]byte
	cells   map[string]*v1alpha1.CellRecord
	dbs     map[string]*v1alpha1.DatabaseRecord
	locals  map[string]*subject
}

// TestCrashSweep: the provider is killed at every fault point of every kind, and after each crash what is desired is changed once more
// before it starts again. Nothing is lost, left behind, made twice or locked.
func TestCrashSweep(t *testing.T) {
	t.Parallel()
	all := crimes()
	schedules := long(200, len(points)+len(all))
	s := begin(t)
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	f := newFleet(s)
	slowest, hits := time.Duration(0), map[crime]int{}
	for i := range schedules {
		// Each first, records once more, and then at random.
		c, n := all[i%len(all)], 1+i/len(all)
		if i >= len(points)+len(all) {
			c, n = all[rng.IntN(len(all))], 1+rng.IntN(4)
		}
		story := fmt.Sprintf("seed %d, schedule %d: kill at %s of %s, hit %d", seed, i, c.point, c.kind, n)
		if took, crashed := f.crash(rng, c, n, story); crashed {
			hits[c]++
			slowest = max(slowest, took)
		}
	}
	for _, c := range all {
		if hits[c] == 0 {
			t.Errorf("seed %d: no crash at %s of %s", seed, c.point, c.kind)
		}
	}
	f.end()
	s.notef("seed %d, %d schedules, %d crashes at %d points of 5 kinds, slowest recovery %.1f s, %d revisions",
		seed, schedules, sum(hits), len(hits), slowest.Seconds(), len(f.st.history()))
}

func sum(m map[crime]int) int {
	n := 0
	for v := range maps.Values(m) {
		n += v
	}
	return n
}

func newFleet(s *scenario) *fleet {
	f := &fleet{s: s, st: s.shared(), foreign: map[string][]byte{}, cells: map[string]*v1alpha1.CellRecord{}, dbs: map[string]*v1alpha1.DatabaseRecord{}, locals: subjects(s)}
	s.config("pc-a", f.st, "a")
	s.config("pc-b", f.st, "b")
	for _, root := range []string{"a/", "b/"} {
		for _, name := range []string{"foreign", "d0x"} {
			b, err := proto.Marshal(&clustermetadatapb.Database{Name: name, Cells: []string{"f0"}})
			s.must(err)
			f.foreign[root+databaseKey(name)] = b
			f.st.put(b, root+databaseKey(name))
		}
	}
	return f
}

// change one or a few of the managed resources of a kind, at random.
func (f *fleet) change(rng *rand.Rand, kind string) {
	f.s.Helper()
	if l := f.locals[kind]; l != nil {
		l.change(rng)
		return
	}
	for range 1 + rng.IntN(3) {
		name := fmt.Sprint(rng.IntN(3))
		switch rng.IntN(7) {
		case 0, 1, 2:
			f.changeCell(rng, "c"+name)
		default:
			f.changeDatabase(rng, "d"+name)
		}
	}
}

func config(rng *rand.Rand) string { return []string{"pc-a", "pc-b"}[rng.IntN(2)] }

func (f *fleet) changeCell(rng *rand.Rand, name string) {
	f.s.Helper()
	z := f.cells[name]
	if z == nil {
		z = cell(name, config(rng))
		f.s.create(z)
		f.cells[name] = z
		return
	}
	f.s.edit(z, func() {
		z.Spec.ForProvider.Root = fmt.Sprint("/r", rng.IntN(1000))
		if rng.IntN(3) == 0 {
			z.Spec.ProviderConfigReference.Name = config(rng)
		}
	})
}

func (f *fleet) changeDatabase(rng *rand.Rand, name string) {
	f.s.Helper()
	d := f.dbs[name]
	if d == nil {
		d = database(name, config(rng), some(rng)...)
		d.Namespace = f.s.ns
		err := f.s.kube.Create(f.s.Context(), d)
		if kerrors.IsAlreadyExists(err) {
			return // The one before is not gone yet.
		}
		f.s.must(err)
		f.dbs[name] = d
		return
	}
	if rng.IntN(4) == 0 {
		f.s.remove(d)
		delete(f.dbs, name)
		return
	}
	f.s.edit(d, func() {
		d.Spec.ForProvider.Cells = some(rng)
		d.Spec.ForProvider.BackupLocation.S3.KeyPrefix = fmt.Sprint("p", rng.IntN(1000))
		if rng.IntN(3) == 0 {
			d.Spec.ProviderConfigReference.Name = config(rng)
		}
	})
}

// some of six cells, none of which has a managed resource: it could not move while a database lists it.
func some(rng *rand.Rand) []string {
	var out []string
	for _, i := range rng.Perm(6)[:1+rng.IntN(4)] {
		out = append(out, fmt.Sprint("x", i))
	}
	slices.Sort(out)
	return out
}

// alone are the options of a replica that takes over at once.
var alone = []option{with("--no-leader-election")}

// crash lets a provider run into a fault while things change, changes them again, and starts another one. It returns how long that
// took to put everything right, and whether there was a crash at all.
func (f *fleet) crash(rng *rand.Rand, c crime, n int, story string) (time.Duration, bool) {
	f.s.Helper()
	s := f.s
	r := s.launch(append([]option{env(fmt.Sprintf("FAULT=%s:kill:%d", c.point, n))}, alone...)...)
	crashed := false
	for end := time.Now().Add(30 * time.Second); !crashed && time.Now().Before(end); {
		f.change(rng, c.kind)
		select {
		case <-r.Exited():
			crashed = true
		case <-time.After(500 * time.Millisecond):
		}
	}
	r.Kill()
	f.change(rng, c.kind)

	return s.recovers(story, f.check), crashed
}

// recovers starts a provider, waits until everything is right, and returns how long that took.
func (s *scenario) recovers(story string, right func(context.Context) error) time.Duration {
	s.Helper()
	began := time.Now()
	r := s.launch(alone...)
	defer r.Kill()
	s.until("it is healthy", func(context.Context) error {
		if got := status(r.health, "/readyz"); got != 200 {
			return errors.Errorf("status %d", got)
		}
		return nil
	})
	up := time.Since(began)
	s.until(story, right)
	took := time.Since(began)
	// The slower a machine starts a process, the slower it does all else.
	if limit := restartLimit + 10*up; took > limit {
		s.Errorf("%s: only after %s, want %s", story, took, limit)
	}
	return took
}

// check whether everything is as it should be: each record as its managed resource says and in its place, and nothing else.
func (f *fleet) check(ctx context.Context) error {
	s := f.s
	want := map[string]bool{}
	for k := range f.foreign {
		want[k] = true
	}
	for _, l := range f.locals {
		if err := l.check(ctx); err != nil {
			return err
		}
	}
	for name, z := range f.cells {
		if err := s.inOrder(ctx, z); err != nil {
			return err
		}
		root := place(z.Spec.ProviderConfigReference.Name)
		want[root+cellKey(name)] = true
		if got := f.st.cell(root + cellKey(name)); got.GetRoot() != z.Spec.ForProvider.Root {
			return errors.Errorf("%s: root %q, want %q", name, got.GetRoot(), z.Spec.ForProvider.Root)
		}
	}
	for name, d := range f.dbs {
		if err := s.inOrder(ctx, d); err != nil {
			return err
		}
		root := place(d.Spec.ProviderConfigReference.Name)
		want[root+databaseKey(name)] = true
		got := f.st.database(root + databaseKey(name))
		if !slices.Equal(slices.Sorted(slices.Values(got.GetCells())), d.Spec.ForProvider.Cells) {
			return errors.Errorf("%s: cells %v, want %v", name, got.GetCells(), d.Spec.ForProvider.Cells)
		}
		if got.GetBackupLocation().GetS3().GetKeyPrefix() != d.Spec.ForProvider.BackupLocation.S3.KeyPrefix {
			return errors.Errorf("%s: backup location %v", name, got.GetBackupLocation())
		}
	}
	return f.nothingElse(want)
}

func place(config string) string { return strings.TrimPrefix(config, "pc-") + "/" }

// inOrder says why the managed resource of a record is not settled, or still locked.
func (s *scenario) inOrder(ctx context.Context, mg resource.Managed) error {
	return s.is(ctx, mg, topologies.TypeSettled)
}

// is says why a managed resource is not synced and does not have a condition, or is still locked.
func (s *scenario) is(ctx context.Context, mg resource.Managed, t xpv2.ConditionType) error {
	if err := s.kube.Get(ctx, client.ObjectKeyFromObject(mg), mg); err != nil {
		return err
	}
	synced := mg.GetCondition(xpv2.TypeSynced)
	if mg.GetCondition(t).Status != corev1.ConditionTrue || synced.Status != corev1.ConditionTrue || synced.ObservedGeneration < mg.GetGeneration() {
		return errors.New(describe(mg))
	}
	if l := mg.GetAnnotations()[guard.Annotation]; l != "" {
		return errors.Errorf("%s is locked: %s", mg.GetName(), l)
	}
	return nil
}

// nothingElse says which records or owners there are that nobody wants, or which foreign record was changed.
func (f *fleet) nothingElse(want map[string]bool) error {
	h := f.st.history()
	state := h[len(h)-1].State
	for k, v := range state {
		record := k
		for _, root := range []string{"a/", "b/"} {
			if rest, ok := strings.CutPrefix(k, root+ownerKey("")); ok {
				record = root + rest
			}
		}
		if strings.Contains(record, "crossplane/") {
			continue
		}
		if !want[record] {
			return errors.Errorf("%s is left", k)
		}
		if b, ok := f.foreign[k]; ok && string(b) != v {
			return errors.Errorf("foreign %s was changed", k)
		}
	}
	for k := range f.foreign {
		if n := len(h.Of(k)); n != 1 {
			return errors.Errorf("foreign %s was written %d times", k, n)
		}
	}
	return nil
}

// end deletes everything, after which only foreign records are left.
func (f *fleet) end() {
	f.s.Helper()
	r := f.s.launch(alone...)
	for _, l := range f.locals {
		l.end()
	}
	var all []client.Object
	for _, d := range f.dbs {
		all = append(all, d)
	}
	for _, z := range f.cells {
		all = append(all, z)
	}
	f.s.remove(all...)
	f.s.gone(all...)
	r.Kill()
	want := map[string]bool{}
	for k := range f.foreign {
		want[k] = true
	}
	if err := f.nothingElse(want); err != nil {
		f.s.Error(err)
	}
}

// TestG4Crash: wherever the provider is killed while it makes, changes or removes a record, the next one puts it right, and the
// record is created once.
func TestG4Crash(t *testing.T) {
	met := map[string][]fault.Point{}
	t.Run("all", func(t *testing.T) {
		for _, stage := range []string{"Create", "Update", "Delete"} {
			t.Run(stage, func(t *testing.T) {
				t.Parallel()
				got := crashAt(begin(t), stage)
				mu.Lock()
				defer mu.Unlock()
				met[stage] = got
			})
		}
	})
	all := slices.Concat(slices.Collect(maps.Values(met))...)
	for _, p := range points {
		if !slices.Contains(all, p) {
			t.Errorf("%s was never met", p)
		}
	}
}

// mu guards what parallel tests share.
var mu sync.Mutex

// crashAt lets the provider crash at each point that it meets in a stage of a record's life, and returns these points.
func crashAt(s *scenario, stage string) []fault.Point {
	s.Helper()
	st := s.shared()
	s.config("pc", st, "")
	slowest := time.Duration(0)
	var met []fault.Point
	for _, p := range points {
		name := string(p)
		z := cell(name, "pc")
		if stage != "Create" {
			s.create(z)
			calm := s.launch(alone...)
			s.settled(z)
			calm.Kill()
		}
		r := s.launch(append([]option{env("FAULT=" + string(p) + ":kill:1")}, alone...)...)
		switch stage {
		case "Create":
			s.create(z)
		case "Update":
			s.edit(z, func() { z.Spec.ForProvider.Root = "/another" })
		default:
			s.remove(z)
		}
		if s.crashes(r, z) {
			met = append(met, p)
		}
		r.Kill()
		slowest = max(slowest, s.recovers(name+" is in order", func(ctx context.Context) error {
			err := s.inOrder(ctx, z)
			switch {
			case stage == "Delete" && kerrors.IsNotFound(err) && st.cell(cellKey(name)) == nil:
				return nil
			case stage == "Delete" && (err == nil || kerrors.IsNotFound(err)):
				return errors.New("it is still there")
			case err != nil:
				return err
			}
			if got := st.cell(cellKey(name)).GetRoot(); got != z.Spec.ForProvider.Root {
				return errors.Errorf("root %q, want %q", got, z.Spec.ForProvider.Root)
			}
			return nil
		}))
		if n := st.history().Creations(cellKey(name)); n != 1 {
			s.Errorf("%s: want one creation, got %d", name, n)
		}
	}
	s.notef("crashes at %v, slowest recovery %.1f s", met, slowest.Seconds())
	return met
}

// crashes waits until a replica has crashed, or has done without what it was to do. It returns whether it has crashed.
func (s *scenario) crashes(r *replica, z *v1alpha1.CellRecord) bool {
	s.Helper()
	crashed := false
	s.until("a crash, or success", func(ctx context.Context) error {
		select {
		case <-r.Exited():
			crashed = true
			return nil
		default:
		}
		err := s.inOrder(ctx, z)
		if kerrors.IsNotFound(err) {
			return nil
		}
		if z.GetDeletionTimestamp() != nil {
			return errors.New("it is still there")
		}
		return err
	})
	return crashed
}
