package cluster

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// Kinds that hold data or that data depends on.
var (
	kindTopoServer     = schema.GroupKind{Group: v1alpha1.Group, Kind: v1alpha1.TopoServerKind}
	kindCell           = schema.GroupKind{Group: v1alpha1.Group, Kind: v1alpha1.CellKind}
	kindTableGroup     = schema.GroupKind{Group: v1alpha1.Group, Kind: v1alpha1.TableGroupKind}
	kindCellRecord     = schema.GroupKind{Group: mv1alpha1.Group, Kind: mv1alpha1.CellRecordKind}
	kindDatabaseRecord = schema.GroupKind{Group: mv1alpha1.Group, Kind: mv1alpha1.DatabaseRecordKind}
)

// stateful are the kinds that leave in order. Anything else that is no longer wanted goes at once.
var stateful = []schema.GroupKind{kindTopoServer, kindCell, kindTableGroup, kindCellRecord, kindDatabaseRecord}

func isStateful(o object.Object) bool { return slices.Contains(stateful, o.GroupKind()) }

// leaving is true if something that leaves in order is there although the cluster does not want it, or was so a moment ago.
func leaving(in compose.Input, c *cluster) bool {
	if compose.WasRemoving(in.XR) {
		return true
	}
	for key, o := range in.Observed {
		if isStateful(o) && !c.wantsKey(key) {
			return true
		}
	}
	return false
}

// wantsKey is true if the cluster wants the stateful resource under the key.
func (c *cluster) wantsKey(key string) bool {
	if key == naming.KeyGlobalTopo {
		return c.GlobalTopo.Managed != nil
	}
	for i := range c.Cells {
		if n := c.Cells[i].Name; key == naming.KeyCell(n) || key == naming.KeyCellRecord(n) {
			return true
		}
	}
	for i := range c.Databases {
		db := &c.Databases[i]
		if key == naming.KeyDatabaseRecord(db.Name) {
			return true
		}
		for j := range db.TableGroups {
			if key == naming.KeyTableGroup(db.Name, db.TableGroups[j].Name) {
				return true
			}
		}
	}
	return false
}

// wants is true if the cluster wants the thing by whose name a person knows its removal.
func (a *assembly) wants(name string) bool {
	for i := range a.c.Cells {
		if name == cellTitle(a.c.Cells[i].Name) {
			return true
		}
	}
	for i := range a.c.Databases {
		db := &a.c.Databases[i]
		if name == databaseTitle(db.Name) {
			return true
		}
		for j := range db.TableGroups {
			if name == tableGroupTitle(db.Name, db.TableGroups[j].Name) {
				return true
			}
		}
	}
	return a.c.GlobalTopo.Managed != nil && name == topoServerTitle(naming.GlobalTopoServer(a.c.Name))
}

func cellTitle(name string) string           { return v1alpha1.CellKind + " " + name }
func databaseTitle(name string) string       { return "Database " + name }
func tableGroupTitle(db, name string) string { return v1alpha1.TableGroupKind + " " + db + "/" + name }
func topoServerTitle(name string) string     { return v1alpha1.TopoServerKind + " " + name }
func tableGroupName(o object.Object) string {
	return tableGroupTitle(databaseOf(o), o.String("spec", "tableGroupName"))
}
func databaseOf(o object.Object) string       { return o.String("spec", "databaseName") }
func recordedCell(o object.Object) string     { return o.String("spec", "forProvider", "cell") }
func recordedDatabase(o object.Object) string { return o.String("spec", "forProvider", "database") }

// retire removes what the spec does not ask for any more, step by step: a table group when it has drained, the record of a
// database when it has no table group any more, a cell when nothing runs in it and no database lists it. Whatever is put back
// into the spec stays as it is at that moment, since every step is decided anew from what there is.
func (a *assembly) retire() error {
	var rs []compose.Removal
	for _, step := range []func() ([]compose.Removal, error){a.retireTableGroups, a.retireDatabases, a.retireCells, a.retireTopology} {
		more, err := step()
		if err != nil {
			return err
		}
		rs = append(rs, more...)
	}
	if err := a.keepLastTopologyUsage(); err != nil {
		return err
	}
	a.removals = compose.Remove(a.in.XR, a.in.Now, rs, a.wants)
	return nil
}

// leftover returns the keys of the observed resources of a kind that are not wanted, sorted.
func (a *assembly) leftover(gk schema.GroupKind) []string {
	var out []string
	for _, key := range a.s.Leftover() {
		if a.s.Observed(key).GroupKind() == gk {
			out = append(out, key)
		}
	}
	return out
}

// lingering returns the objects of a kind that are there without being observed or wanted, by the given name of theirs: the
// cluster let them go, and they are being deleted.
func (a *assembly) lingering(requirement string, title func(object.Object) string) []object.Object {
	known := map[string]bool{}
	for _, o := range a.in.Observed {
		known[o.Kind()+" "+o.Name()] = true
	}
	var out []object.Object
	for _, o := range a.in.Required[requirement] {
		if !known[o.Kind()+" "+o.Name()] && !a.wants(title(o)) {
			out = append(out, o)
		}
	}
	return out
}

// retireTableGroups asks table groups to drain, takes their protection away, and lets those go that have drained.
func (a *assembly) retireTableGroups() ([]compose.Removal, error) {
	var out []compose.Removal
	for _, key := range a.leftover(kindTableGroup) {
		o := a.s.Observed(key)
		r := compose.DrainRemoval(tableGroupName(o), o)
		if o.Deleting() || compose.HasDrained(o) {
			by, protected := a.protector(tableGroupKind, o.Name())
			if o.Deleting() || !protected {
				out = append(out, deleting(tableGroupName(o), o))
				continue
			}
			r = compose.Removal{Name: r.Name, Reason: compose.WaitProtected, Message: "is protected from deletion by Usage " + by}
		}
		out = append(out, r)
		if err := a.s.Drain(key); err != nil {
			return nil, err
		}
	}
	for _, o := range a.lingering(requireTableGroups, tableGroupName) {
		out = append(out, deleting(tableGroupName(o), o))
	}
	return out, nil
}

// protector returns the name of a Usage that refuses the deletion of an object. To delete it nevertheless would stop the whole
// composition, with no word about it.
func (a *assembly) protector(kind schema.GroupVersionKind, name string) (string, bool) {
	for _, u := range a.in.Required[requireUsages] {
		of := u.At("spec", "of")
		if of.String("resourceRef", "name") == name && of.GroupKind() == kind.GroupKind() {
			return u.Name(), true
		}
	}
	return "", false
}

// retireDatabases lets the record of a database go once none of its table groups is there.
func (a *assembly) retireDatabases() ([]compose.Removal, error) {
	var out []compose.Removal
	title := func(o object.Object) string { return databaseTitle(recordedDatabase(o)) }
	for _, key := range a.leftover(kindDatabaseRecord) {
		o := a.s.Observed(key)
		tg, used := a.tableGroupOf(recordedDatabase(o))
		if !used {
			out = append(out, deleting(title(o), o))
			continue
		}
		out = append(out, compose.Removal{Name: title(o), Reason: compose.WaitInUse, Message: tg + " is there"})
		if err := a.s.Keep(key); err != nil {
			return nil, err
		}
	}
	for _, o := range a.lingering(requireDatabaseRecords, title) {
		out = append(out, deleting(title(o), o))
	}
	return out, nil
}

// tableGroupOf returns the first table group of a database that is there, being deleted or not.
func (a *assembly) tableGroupOf(database string) (string, bool) {
	for _, o := range a.tableGroups() {
		if databaseOf(o) == database {
			return tableGroupName(o), true
		}
	}
	return "", false
}

// tableGroups returns all table groups that are there, being deleted or not, in a stable order.
func (a *assembly) tableGroups() []object.Object {
	return a.existing(kindTableGroup, requireTableGroups)
}

// existing returns all objects of a kind that are there, being deleted or not, in the order of their names.
func (a *assembly) existing(gk schema.GroupKind, requirement string) []object.Object {
	byName := map[string]object.Object{}
	for _, o := range a.in.Required[requirement] {
		byName[o.Name()] = o
	}
	for _, o := range a.in.Observed {
		if o.GroupKind() == gk {
			byName[o.Name()] = o
		}
	}
	out := make([]object.Object, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, byName[name])
	}
	return out
}

// retireTopology keeps a topology server that the cluster does not use any more: nobody can tell whether a component that was
// not restarted since still does.
func (a *assembly) retireTopology() ([]compose.Removal, error) {
	var out []compose.Removal
	for _, key := range a.leftover(kindTopoServer) {
		o := a.s.Observed(key)
		out = append(out, compose.Removal{
			Name: topoServerTitle(o.Name()), Reason: compose.WaitInUse, Message: "is kept: components that were not restarted since may use it",
		})
		if err := a.s.Keep(key); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// deleting is the last step of a removal. A managed resource says itself what it waits for.
func deleting(title string, o object.Object) compose.Removal {
	r := compose.Removal{Name: title, Reason: compose.WaitDeleting, Message: "waits until it is gone with all that belongs to it"}
	if why := trouble(o); why != "" {
		r.Message = "cannot be deleted: " + why
	}
	return r
}

// conditionSettled is the condition in which the provider says of a record what keeps it from being written or deleted.
const conditionSettled = "Settled"

// trouble returns what a managed resource says keeps it from being as it should, and nothing if nothing does.
func trouble(o object.Object) string {
	for _, typ := range []string{conditionSettled, "Synced"} {
		if c, ok := o.Condition(typ); ok && !c.True() && c.Message != "" {
			return c.Message
		}
	}
	return ""
}
