package record

import (
	"fmt"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/placement"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

func encoded(t *testing.T, m *clustermetadatapb.Cell) string {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// read the record below a root.
func (d *desk) read(root string) *clustermetadatapb.Cell {
	d.Helper()
	raw, ok := d.etcd.get(root, recordKey)
	if !ok {
		return nil
	}
	m := &clustermetadatapb.Cell{}
	if err := proto.Unmarshal([]byte(raw), m); err != nil {
		d.Fatal(err)
	}
	return m
}

// TestLife: a record is claimed, created, mended, changed and deleted, and nothing of others is touched on the way.
func TestLife(t *testing.T) {
	d := newDesk(t)
	before := d.etcd.now()
	if o, err := d.observe(); err != nil || o.ResourceExists {
		t.Fatalf("Observe(): there should be nothing, got %+v, error %v", o, err)
	}
	if d.etcd.now() != before {
		t.Error("Observe() should write nothing")
	}
	all := map[string][]string{"/a": {recordKey, "server:one", "server:two"}}
	if diff := cmp.Diff(all, d.claimed()); diff != "" {
		t.Errorf("all should be claimed before it is created: -want, +got:\n%s", diff)
	}
	d.must("create", "nothing")
	want := &clustermetadatapb.Cell{Name: "z1", ServerAddresses: []string{"one", "two"}, Root: "/r"}
	if diff := cmp.Diff(want, d.read("/a"), protocmp.Transform()); diff != "" {
		t.Errorf("Create(): -want, +got:\n%s", diff)
	}
	if owner, _ := d.etcd.get("/a", ownerKey); owner != me {
		t.Errorf("Create(): want owner %s, got %s", me, owner)
	}
	if d.reason() != "" || !d.mg.GetCondition(xpv2.TypeReady).Equal(xpv2.Available()) || d.mg.Status.AtProvider.Revision == 0 {
		t.Errorf("Observe(): want it settled, ready and reported, got %s, %+v", d.reason(), d.mg.Status)
	}

	// By hand: a root that differs, a server more, and a field that nobody knows here.
	theirs := encoded(t, &clustermetadatapb.Cell{Name: "z1", ServerAddresses: []string{"nine", "one", "two"}, Root: "/wrong"})
	theirs += string(protowire.AppendString(protowire.AppendTag(nil, 99, protowire.BytesType), "new"))
	d.etcd.put(theirs, "/a", recordKey)
	d.must("update", "nothing")
	got := d.read("/a")
	if len(got.ProtoReflect().GetUnknown()) == 0 {
		t.Error("Update(): a field that is unknown here should stay")
	}
	got.ProtoReflect().SetUnknown(nil)
	want.ServerAddresses = []string{"nine", "one", "two"}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("Update(): -want, +got:\n%s", diff)
	}

	d.mg.Spec.ForProvider.ServerAddresses, d.mg.Generation = []string{"two", "three"}, 2
	d.must("update", "nothing")
	if diff := cmp.Diff([]string{"nine", "three", "two"}, d.read("/a").GetServerAddresses()); diff != "" {
		t.Errorf("Update(): what was ours should go, what is others' stay: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"/a": {recordKey, "server:three", "server:two"}}, d.claimed()); diff != "" {
		t.Errorf("claims should be narrowed: -want, +got:\n%s", diff)
	}

	d.deleted()
	for _, because := range []*error{&d.free, &d.clear} {
		*because = topology.Because("Needed", errNeeded)
		if did, err := d.reconcile(); did != "delete" || !errors.Is(err, errNeeded) || d.reason() != "Needed" {
			t.Errorf("Delete(): what is needed should stay, got %s, error %v, reason %s", did, err, d.reason())
		}
		*because = nil
	}
	if d.read("/a") == nil {
		t.Fatal("Delete(): what is needed should stay")
	}
	d.must("delete", "let go")
	if left := d.etcd.present(); len(left) > 0 {
		t.Errorf("Delete(): nothing should be left, got %v", left)
	}
}

// TestObserve: what is there, whose it is, and what can be known of it.
func TestObserve(t *testing.T) {
	cell := func(t *testing.T) string {
		t.Helper()
		return encoded(t, &clustermetadatapb.Cell{Name: "z1", ServerAddresses: []string{"one", "two"}, Root: "/r"})
	}
	owned := func(owner string) func(d *desk) {
		return func(d *desk) {
			d.etcd.put(cell(d.T), "/a", recordKey)
			if owner != "" {
				d.etcd.put(owner, "/a", ownerKey)
			}
		}
	}
	created := func(d *desk) { d.must("create", "nothing") }
	away := func(d *desk) { d.etcd.goes(true) }
	deleted := func(d *desk) { d.deleted() }
	observed := func(d *desk) {
		d.mg.Spec.ManagementPolicies = xpv2.ManagementPolicies{xpv2.ManagementActionObserve}
	}
	claim := func(annotation string) func(d *desk) {
		return func(d *desk) { meta.AddAnnotations(d.mg, map[string]string{claims.Annotation: annotation}) }
	}
	there, behind := managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true}, managed.ExternalObservation{ResourceExists: true}
	type want struct {
		o      managed.ExternalObservation
		reason xpv2.ConditionReason
		err    error
	}
	cases := map[string]struct {
		reason string
		given  []func(d *desk)
		want   want
	}{
		"Absent":       {"Without a record there is nothing.", nil, want{}},
		"Mine":         {"What was created is there.", []func(*desk){created}, want{o: there}},
		"Unowned":      {"A record that nobody owns is taken over.", []func(*desk){owned("")}, want{o: behind}},
		"Predecessor":  {"So is that of a managed resource of the same name that is gone.", []func(*desk){owned("plane/ns/CellRecord/z1/old")}, want{o: behind}},
		"Other":        {"A record of somebody else is left alone.", []func(*desk){owned("plane/ns/CellRecord/other/x")}, want{reason: topology.ReasonOwnedByOther, err: topo.ErrOwnedByOther}},
		"OtherPlane":   {"Also if it has the same name in another control plane.", []func(*desk){owned("elsewhere/ns/CellRecord/z1/uid")}, want{reason: topology.ReasonOwnedByOther, err: topo.ErrOwnedByOther}},
		"Named":        {"Unless a person named its owner.", []func(*desk){owned("someone"), func(d *desk) { meta.AddAnnotations(d.mg, map[string]string{topology.AnnotationAdopt: "someone"}) }}, want{o: behind}},
		"ReadOnly":     {"Anybody's record may be observed.", []func(*desk){owned("someone"), observed}, want{o: there}},
		"ReadOnlyGone": {"A record that is only observed is never created.", []func(*desk){observed}, want{o: managed.ExternalObservation{ResourceUpToDate: true}}},
		"NoRecord":     {"Bytes that are no record are left alone.", []func(*desk){func(d *desk) { d.etcd.put("\xff\xff", "/a", recordKey) }}, want{reason: topology.ReasonRecordInvalid, err: topo.ErrInvalid}},
		"Away":         {"Of a server that does not answer nothing is known.", []func(*desk){created, away}, want{reason: topology.ReasonUnavailable, err: topo.ErrUnavailable}},
		"Unreadable":   {"With claims that cannot be read nothing is done.", []func(*desk){created, claim("{")}, want{reason: topology.ReasonClaimsUnreadable, err: claims.ErrUnreadable}},
		"Foreign": {
			"Claims that came in a copy are nobody's, which is mended.",
			[]func(*desk){created, func(d *desk) { d.mg.UID = "copy" }, func(d *desk) { d.etcd.put("plane/ns/CellRecord/z1/copy", "/a", ownerKey) }},
			want{o: behind, reason: topology.ReasonClaimsForeign},
		},
		"TooLarge": {"What cannot be claimed is not written.", []func(*desk){created, func(d *desk) {
			for i := range 2000 {
				d.mg.Spec.ForProvider.ServerAddresses = append(d.mg.Spec.ForProvider.ServerAddresses, fmt.Sprintf("%040d", i))
			}
		}}, want{reason: topology.ReasonClaimsTooLarge, err: claims.ErrTooLarge}},
		"Deleted":          {"What is to go is there until it is gone.", []func(*desk){created, deleted}, want{o: there}},
		"DeletedAway":      {"On doubt nothing is let go.", []func(*desk){created, deleted, away}, want{reason: topology.ReasonUnavailable, err: topo.ErrUnavailable}},
		"DeletedUntouched": {"What never wrote anything need not know.", []func(*desk){deleted, away}, want{}},
		"DeletedOther":     {"A record of somebody else holds up no deletion.", []func(*desk){created, deleted, func(d *desk) { d.etcd.put("someone", "/a", ownerKey) }}, want{}},
		"DeletedByHand":    {"What is left of a record that somebody else deleted is there until it is gone.", []func(*desk){created, deleted, func(d *desk) { d.etcd.drop("/a", recordKey) }}, want{o: there}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			for _, f := range tc.given {
				f(d)
			}
			before := d.etcd.now()
			o, err := d.observe()
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\nObserve(): -want error, +got error:\n%s", tc.reason, diff)
			}
			o.Diff = ""
			if diff := cmp.Diff(tc.want, want{o: o, reason: reasonOf(d, err), err: tc.want.err}, cmp.AllowUnexported(want{}), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\nObserve(): -want, +got:\n%s", tc.reason, diff)
			}
			if d.etcd.now() != before {
				t.Errorf("%s\nObserve() should write nothing", tc.reason)
			}
		})
	}
}

// reasonOf an observation: what the condition says, if it says anything.
func reasonOf(d *desk, err error) xpv2.ConditionReason {
	if err == nil && d.mg.GetCondition(topology.TypeSettled).Reason == "" {
		return ""
	}
	return d.reason()
}

// TestMove: a record whose configuration points elsewhere is made there first, and then removed where it was.
func TestMove(t *testing.T) {
	d := newDesk(t)
	d.must("create", "nothing")
	d.points(d.etcd, "/b")
	d.must("create")
	if d.read("/a") == nil || d.read("/b") == nil {
		t.Error("it should be in both places in between")
	}
	d.must("update", "nothing")
	if d.read("/a") != nil || d.read("/b") == nil {
		t.Error("it should be in the new place only")
	}
	if diff := cmp.Diff(map[string][]string{"/b": {recordKey, "server:one", "server:two"}}, d.claimed()); diff != "" {
		t.Errorf("claims: -want, +got:\n%s", diff)
	}
}

// TestMoveAway: the record at a server that does not answer is remembered, until it is removed or a person gives it up.
func TestMoveAway(t *testing.T) {
	moved := func(t *testing.T) (*desk, *fakeEtcd) {
		t.Helper()
		d := newDesk(t)
		d.must("create", "nothing")
		old := d.etcd
		old.goes(true)
		d.etcd = runEtcd(t, 2)
		d.points(d.etcd, "/b")
		d.must("create", "nothing")
		if d.reason() != topology.ReasonPreviousContextPending || !d.mg.GetCondition(xpv2.TypeReady).Equal(xpv2.Available()) {
			t.Errorf("it should be ready, and say what is pending, got %s", d.reason())
		}
		if len(d.claimed()) != 2 {
			t.Errorf("both places should be claimed, got %v", d.claimed())
		}
		return d, old
	}
	t.Run("Back", func(t *testing.T) {
		d, old := moved(t)
		old.goes(false)
		d.eventually("update")
		d.must("nothing")
		if left := old.present(); len(left) > 0 || d.reason() != "" || len(d.claimed()) != 1 {
			t.Errorf("nothing should be left at the old place, got %v, %s, %v", left, d.reason(), d.claimed())
		}
	})
	t.Run("Deleted", func(t *testing.T) {
		d, old := moved(t)
		d.deleted()
		d.must("delete")
		if _, err := d.reconcile(); topology.ReasonOf(err) != topology.ReasonPreviousContextPending {
			t.Errorf("what is left at the old place should hold up the deletion, got %v", err)
		}
		old.goes(false)
		d.eventually("delete")
		d.must("let go")
		if left := old.present(); len(left) > 0 {
			t.Errorf("nothing should be left at the old place, got %v", left)
		}
	})
	t.Run("Abandoned", func(t *testing.T) {
		d, old := moved(t)
		meta.AddAnnotations(d.mg, map[string]string{topology.AnnotationAbandon: placeIn(d.mg.GetCondition(topology.TypeSettled).Message)})
		d.must("update", "nothing")
		if d.reason() != "" || len(d.claimed()) != 1 || len(old.present()) != 2 {
			t.Errorf("the old place should be forgotten and left, got %s, %v, %v", d.reason(), d.claimed(), old.present())
		}
	})
}

// TestRenamed: a server that is known by another address is the same place, where nothing is removed.
func TestRenamed(t *testing.T) {
	d := newDesk(t)
	d.must("create", "nothing")
	revision := d.etcd.now()
	d.etcd.listen(t)
	d.points(d.etcd, "/a")
	d.must("update", "nothing")
	if d.etcd.now() != revision {
		t.Errorf("nothing should be written, got %v", d.etcd.present())
	}
	if diff := cmp.Diff(map[string][]string{"/a": {recordKey, "server:one", "server:two"}}, d.claimed()); diff != "" {
		t.Errorf("claims: -want, +got:\n%s", diff)
	}
}

// TestMeanwhile: what others do between a look and a write is never overwritten.
func TestMeanwhile(t *testing.T) {
	another := func(t *testing.T) string {
		t.Helper()
		return encoded(t, &clustermetadatapb.Cell{Name: "z1", Root: "/another"})
	}
	type want struct {
		did  string
		err  error
		root string
		then string
	}
	cases := map[string]struct {
		reason    string
		given     func(d *desk)
		meanwhile func(d *desk)
		want      want
	}{
		"CreatedByNobody": {
			"A record that appeared is no failure: it is adopted next.", func(*desk) {},
			func(d *desk) { d.etcd.put(another(d.T), "/a", recordKey) },
			want{did: "create", root: "/another", then: "update"},
		},
		"CreatedByOther": {
			"One that somebody owns is.", func(*desk) {},
			func(d *desk) { d.etcd.put(another(d.T), "/a", recordKey); d.etcd.put("someone", "/a", ownerKey) },
			want{did: "create", err: topo.ErrOwnedByOther, root: "/another", then: "nothing"},
		},
		"Changed": {
			"A record that changed is looked at again.",
			func(d *desk) { d.must("create", "nothing"); d.mg.Spec.ForProvider.Root = "/new" },
			func(d *desk) { d.etcd.put(another(d.T), "/a", recordKey) },
			want{did: "update", err: topo.ErrConflict, root: "/another", then: "update"},
		},
		"Gone": {
			"A record that is gone is made again.",
			func(d *desk) { d.must("create", "nothing"); d.mg.Spec.ForProvider.Root = "/new" },
			func(d *desk) { d.etcd.drop("/a", recordKey) },
			want{did: "update", err: topo.ErrAbsent, then: "create"},
		},
		"Deleted": {
			"A record that is gone need not be deleted, and what is left of it is next.",
			func(d *desk) { d.must("create", "nothing"); d.deleted() },
			func(d *desk) { d.etcd.drop("/a", recordKey); d.etcd.drop("/a", ownerKey) },
			want{did: "delete", then: "let go"},
		},
		"Deposed": {
			"Who no longer leads writes nothing.",
			func(d *desk) { d.must("create", "nothing"); d.mg.Spec.ForProvider.Root = "/new"; d.lease.Set(false) },
			nil,
			want{did: "update", err: placement.ErrNotLeader, root: "/r", then: "update"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			tc.given(d)
			if tc.meanwhile != nil {
				d.etcd.before(func() { tc.meanwhile(d) })
			}
			did, err := d.reconcile()
			got := want{did: did, err: tc.want.err, root: d.read("/a").GetRoot(), then: tc.want.then}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateErrors()); diff != "" || !errors.Is(err, tc.want.err) {
				t.Errorf("%s\n-want, +got, error %v:\n%s", tc.reason, err, diff)
			}
			if then, err := d.reconcile(); then != tc.want.then {
				t.Errorf("%s\nwant %q then, got %q, error %v", tc.reason, tc.want.then, then, err)
			}
		})
	}
}

// TestWakes: a managed resource is woken by its record and, while it is being deleted, by what may need that.
func TestWakes(t *testing.T) {
	k := (&desk{}).kind()
	mg := &v1alpha1.CellRecord{}
	mg.Spec.ForProvider.Cell = "z1"
	if diff := cmp.Diff([]topo.Path{recordKey}, k.wakes(mg)); diff != "" {
		t.Errorf("wakes(): -want, +got:\n%s", diff)
	}
	d := &desk{mg: mg}
	d.deleted()
	if diff := cmp.Diff([]topo.Path{recordKey, "databases"}, k.wakes(mg)); diff != "" {
		t.Errorf("wakes(): -want, +got:\n%s", diff)
	}
}
