package sim

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/structpb"
	corev1 "k8s.io/api/core/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

const namespace = "app"

// podGrace is the composed pods' grace period in seconds.
const podGrace = 90

// A stored object is one that the API server holds. The shard's core composed it, and what core applied is kept apart from
// what others added, as the managed fields of a real one do.
type stored struct {
	kind, name, key string
	uid             string
	created         time.Time
	deleted         time.Time // zero unless it has a deletion timestamp
	version         int
	generation      int

	config   *structpb.Struct // what core applied, with apiVersion and kind
	typed    compose.Object   // the same, before it was encoded: equal ones need no encoding
	managed  *structpb.Value
	defaults map[string]*structpb.Value // fields of the spec that others set
	status   *structpb.Value

	pod     *pod // what runs, if this is a pod of the shard's
	foreign bool // somebody else controls it

	observation mv1alpha1.ShardRecordObservation // of a ShardRecord

	view        object.Object
	viewVersion int
}

func (o *stored) deleting() bool { return !o.deleted.IsZero() }

func (o *stored) label(key string) string {
	return o.config.GetFields()["metadata"].GetStructValue().GetFields()["labels"].GetStructValue().GetFields()[key].GetStringValue()
}

// An apiserver holds the objects of the shard's namespace, by kind and name.
type apiserver struct {
	w       *world
	objects map[string]map[string]*stored
	ours    map[string]*stored // the pods that core made, by name
	uids    int
	writes  int     // how often anything changed
	written *stored // what was written last
}

func newAPIServer(w *world) *apiserver {
	return &apiserver{w: w, objects: map[string]map[string]*stored{"Pod": {}}, ours: map[string]*stored{}}
}

func (a *apiserver) get(kind, name string) *stored { return a.objects[kind][name] }

// all returns the objects of a kind, by name.
func (a *apiserver) all(kind string) []*stored {
	m := a.objects[kind]
	out := make([]*stored, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[name])
	}
	return out
}

// pods returns the pods that core made, by name.
func (a *apiserver) pods() []*stored {
	out := make([]*stored, 0, len(a.ours))
	for _, name := range slices.Sorted(maps.Keys(a.ours)) {
		out = append(out, a.ours[name])
	}
	return out
}

// byUID returns the object if it still is the one with that UID.
func (a *apiserver) byUID(kind, name, uid string) *stored {
	if o := a.get(kind, name); o != nil && o.uid == uid {
		return o
	}
	return nil
}

// An applied says what became of an apply.
type applied int

const (
	unchanged applied = iota
	made
	changed
	refused // 422: a field that cannot change would
	taken   // 422: somebody else controls the object
)

// apply is core's server-side apply of one composed resource, by force.
func (a *apiserver) apply(key string, r compose.Resource) applied {
	kind, name := identity(r)
	o := a.get(kind, name)
	if o != nil && r.Object != nil && o.typed != nil && a.equal(o.typed, r.Object) {
		o.key = key
		return unchanged
	}
	config := r.Kept.Struct()
	if r.Object != nil {
		s, err := object.NewEncoder().Encode(r.Object)
		if err != nil {
			panic(err)
		}
		config = s
	}
	if o == nil {
		a.create(kind, name, key, config, r.Object)
		return made
	}
	if o.foreign {
		return taken
	}
	o.key = key
	if sameFields(config, o.config) {
		if r.Object != nil {
			o.typed = r.Object
		}
		return unchanged
	}
	if kind == "Pod" && !same(config.GetFields()["spec"], o.config.GetFields()["spec"]) {
		return refused
	}
	if !same(config.GetFields()["spec"], o.config.GetFields()["spec"]) {
		o.generation++
	}
	o.config, o.typed, o.managed = config, r.Object, managedFields(config)
	a.touch(o)
	a.w.provider.applied(o)
	return changed
}

// equal is true if two objects are the same. Pods are only compared in full once in a while: equal hashes mean equal
// specifications.
func (a *apiserver) equal(x, y compose.Object) bool {
	if x == y {
		return true
	}
	p, ok := x.(*corev1.Pod)
	q, same := y.(*corev1.Pod)
	if ok && same && a.w.steps%pods != 0 {
		return maps.Equal(p.Annotations, q.Annotations) && maps.Equal(p.Labels, q.Labels)
	}
	return reflect.DeepEqual(x, y)
}

// pods is in how many steps once pods are compared in full.
const pods = 16

func identity(r compose.Resource) (kind, name string) {
	if r.Object != nil {
		return r.Object.GetObjectKind().GroupVersionKind().Kind, r.Object.GetName()
	}
	return r.Kept.Kind(), r.Kept.Name()
}

func (a *apiserver) create(kind, name, key string, config *structpb.Struct, typed compose.Object) {
	a.uids++
	o := &stored{
		kind: kind, name: name, key: key, uid: "u" + strconv.Itoa(a.uids), created: a.w.now, config: config, typed: typed,
		managed: managedFields(config), generation: 1,
	}
	if a.objects[kind] == nil {
		a.objects[kind] = map[string]*stored{}
	}
	a.objects[kind][name] = o
	a.touch(o)
	switch kind {
	case "Pod":
		// What defaulting, admission and the scheduler add is not core's.
		o.defaults = map[string]*structpb.Value{"schedulerName": str("default-scheduler"), "dnsPolicy": str("ClusterFirst")}
		a.ours[name] = o
		a.w.nodes.created(o)
	case "StatefulSet":
		a.w.plane.orchestrators(o)
	default:
		a.w.provider.applied(o)
	}
}

// intrude makes a pod that somebody else controls.
func (a *apiserver) intrude(name string) {
	a.uids++
	o := &stored{
		kind: "Pod", name: name, uid: "u" + strconv.Itoa(a.uids), created: a.w.now, generation: 1, foreign: true, managed: list(),
		config: fields("apiVersion", "v1", "kind", "Pod", "metadata", record("name", name, "labels", labelsOf(shardID.Labels(naming.ComponentShardPool))),
			"spec", record("containers", list(record("name", "other")))),
	}
	a.objects["Pod"][name] = o
	a.touch(o)
}

func labelsOf(m map[string]string) *structpb.Value {
	s := fields()
	for k, v := range m {
		s.Fields[k] = str(v)
	}
	return valueOf(s)
}

// touch notes that an object changed, and tells whoever watches.
func (a *apiserver) touch(o *stored) {
	o.version++
	a.writes++
	a.written = o
	a.w.core.watched(o)
}

// setStatus writes an object's status, if it differs.
func (a *apiserver) setStatus(o *stored, status *structpb.Value) {
	if o.status != nil && same(o.status, status) {
		return
	}
	o.status = status
	a.touch(o)
}

// delete asks for the deletion of an object. Those with a finalizer, and pods, only go when somebody lets them.
func (a *apiserver) delete(o *stored) {
	if o.deleting() {
		return
	}
	o.deleted = a.w.now
	a.touch(o)
	switch o.kind {
	case "Pod":
		a.w.nodes.deleted(o)
	case "VolumeClaim", "ShardRecord":
		a.w.provider.deleted(o)
	default:
		a.remove(o)
	}
}

// remove makes an object go for good.
func (a *apiserver) remove(o *stored) {
	if a.byUID(o.kind, o.name, o.uid) == nil {
		return
	}
	delete(a.objects[o.kind], o.name)
	a.touch(o)
	switch o.kind {
	case "Pod":
		if a.ours[o.name] == o {
			delete(a.ours, o.name)
		}
		a.w.provider.wake("pod gone")
		a.w.provider.unused()
	case "StatefulSet":
		a.w.plane.orchs = false
	}
}

// look returns an object as a client sees it.
func (o *stored) look() object.Object {
	if o.viewVersion == o.version {
		return o.view
	}
	meta := fields("name", o.name, "namespace", namespace, "uid", o.uid, "resourceVersion", strconv.Itoa(o.version), "generation", o.generation,
		"creationTimestamp", o.created.Format(time.RFC3339), "managedFields", o.managed)
	controller := "xr"
	if o.foreign {
		controller = "other"
	}
	meta.Fields["ownerReferences"] = list(record("apiVersion", "v1", "kind", "Any", "name", controller, "uid", controller, "controller", true))
	own := o.config.GetFields()["metadata"].GetStructValue().GetFields()
	for _, k := range []string{"labels", "annotations"} {
		if v, ok := own[k]; ok {
			meta.Fields[k] = v
		}
	}
	if o.deleting() {
		// A pod's deletion timestamp is when its grace period ends; it is cut short only by a deletion without grace.
		grace := 0
		if o.kind == "Pod" {
			grace = podGrace
		}
		meta.Fields["deletionTimestamp"] = str(o.deleted.Add(time.Duration(grace) * time.Second).Format(time.RFC3339))
		meta.Fields["deletionGracePeriodSeconds"] = num(grace)
	}
	s := &structpb.Struct{Fields: maps.Clone(o.config.GetFields())}
	s.Fields["metadata"] = valueOf(meta)
	if len(o.defaults) > 0 {
		spec := &structpb.Struct{Fields: maps.Clone(s.GetFields()["spec"].GetStructValue().GetFields())}
		maps.Copy(spec.GetFields(), o.defaults)
		s.Fields["spec"] = valueOf(spec)
	}
	if o.status != nil {
		s.Fields["status"] = o.status
	}
	o.view, o.viewVersion = object.New(s), o.version
	return o.view
}

// managedFields returns the managed fields of an object of which core applied the config: every label, every annotation and
// every field of the spec on its own. A field of the spec counts as one, whatever is in it.
func managedFields(config *structpb.Struct) *structpb.Value {
	owned := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	empty := record()
	for name, v := range config.GetFields() {
		switch name {
		case "apiVersion", "kind":
		case "metadata":
			meta := record()
			for _, k := range []string{"labels", "annotations"} {
				if m := v.GetStructValue().GetFields()[k].GetStructValue(); m != nil {
					meta.GetStructValue().Fields["f:"+k] = names(m, empty)
				}
			}
			owned.Fields["f:metadata"] = meta
		default:
			if m := v.GetStructValue(); m != nil {
				owned.Fields["f:"+name] = names(m, empty)
				continue
			}
			owned.Fields["f:"+name] = empty
		}
	}
	return list(record(
		"manager", object.ManagerPrefix+"0123abcd", "operation", "Apply", "apiVersion", config.GetFields()["apiVersion"].GetStringValue(),
		"fieldsType", "FieldsV1", "fieldsV1", owned))
}

func names(s *structpb.Struct, each *structpb.Value) *structpb.Value {
	out := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(s.GetFields()))}
	for k := range s.GetFields() {
		out.Fields["f:"+k] = each
	}
	return valueOf(out)
}

// describe names an object for a story.
func describe(o *stored) string { return fmt.Sprintf("%s %s", o.kind, short(o.name)) }
