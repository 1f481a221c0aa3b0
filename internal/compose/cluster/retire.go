package cluster

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
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

// keepRetiring keeps what the spec does not ask for any more but cannot simply go: poolers run in cells, table groups hold data,
// and what runs finds itself through records and the server that has them. Anything else that is no longer wanted goes.
func (a *assembly) keepRetiring() error {
	for _, key := range a.s.Leftover() {
		name, ok := retiringName(a.s.Observed(key))
		if !ok {
			continue
		}
		a.retiring = append(a.retiring, name)
		if err := a.s.Keep(key); err != nil {
			return err
		}
	}
	return nil
}

// retiringName returns the name by which a person knows the resource, and false if it may go at once.
func retiringName(o object.Object) (string, bool) {
	var name string
	switch o.GroupKind() {
	case kindCell:
		name = o.String("spec", "name")
	case kindTableGroup:
		name = o.String("spec", "databaseName") + "/" + o.String("spec", "tableGroupName")
	case kindCellRecord:
		name = o.String("spec", "forProvider", "cell")
	case kindDatabaseRecord:
		name = o.String("spec", "forProvider", "database")
	case kindTopoServer:
		name = o.Name()
	default:
		return "", false
	}
	return o.Kind() + " " + name, true
}

// removals says what the removal of everything that is kept waits for.
func (a *assembly) removals() []compose.Removal {
	out := make([]compose.Removal, 0, len(a.retiring))
	for _, name := range a.retiring {
		out = append(out, compose.Removal{Name: name, Reason: compose.WaitDraining, Message: "waits for draining"})
	}
	return out
}
