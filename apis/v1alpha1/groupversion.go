package v1alpha1

import (
	"reflect"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/scheme"
)

// Package type metadata.
const (
	// Group is the API group of every kind in this package.
	Group = "multigres.com"
	// Version is the version of every kind in this package.
	Version = "v1alpha1"
)

var (
	// SchemeGroupVersion is the group and version of this package's kinds.
	SchemeGroupVersion = schema.GroupVersion{Group: Group, Version: Version}

	// SchemeBuilder adds this package's kinds to a runtime scheme.
	SchemeBuilder = &scheme.Builder{GroupVersion: SchemeGroupVersion}

	// AddToScheme adds this package's kinds to a runtime scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

// MultigresCluster type metadata.
var (
	MultigresClusterKind             = reflect.TypeFor[MultigresCluster]().Name()
	MultigresClusterGroupKind        = schema.GroupKind{Group: Group, Kind: MultigresClusterKind}.String()
	MultigresClusterKindAPIVersion   = MultigresClusterKind + "." + SchemeGroupVersion.String()
	MultigresClusterGroupVersionKind = SchemeGroupVersion.WithKind(MultigresClusterKind)
)

// XMultigresCluster type metadata.
var (
	XMultigresClusterKind             = reflect.TypeFor[XMultigresCluster]().Name()
	XMultigresClusterGroupKind        = schema.GroupKind{Group: Group, Kind: XMultigresClusterKind}.String()
	XMultigresClusterKindAPIVersion   = XMultigresClusterKind + "." + SchemeGroupVersion.String()
	XMultigresClusterGroupVersionKind = SchemeGroupVersion.WithKind(XMultigresClusterKind)
)

// TopoServer type metadata.
var (
	TopoServerKind             = reflect.TypeFor[TopoServer]().Name()
	TopoServerGroupKind        = schema.GroupKind{Group: Group, Kind: TopoServerKind}.String()
	TopoServerKindAPIVersion   = TopoServerKind + "." + SchemeGroupVersion.String()
	TopoServerGroupVersionKind = SchemeGroupVersion.WithKind(TopoServerKind)
)

// Cell type metadata.
var (
	CellKind             = reflect.TypeFor[Cell]().Name()
	CellGroupKind        = schema.GroupKind{Group: Group, Kind: CellKind}.String()
	CellKindAPIVersion   = CellKind + "." + SchemeGroupVersion.String()
	CellGroupVersionKind = SchemeGroupVersion.WithKind(CellKind)
)

// TableGroup type metadata.
var (
	TableGroupKind             = reflect.TypeFor[TableGroup]().Name()
	TableGroupGroupKind        = schema.GroupKind{Group: Group, Kind: TableGroupKind}.String()
	TableGroupKindAPIVersion   = TableGroupKind + "." + SchemeGroupVersion.String()
	TableGroupGroupVersionKind = SchemeGroupVersion.WithKind(TableGroupKind)
)

// Shard type metadata.
var (
	ShardKind             = reflect.TypeFor[Shard]().Name()
	ShardGroupKind        = schema.GroupKind{Group: Group, Kind: ShardKind}.String()
	ShardKindAPIVersion   = ShardKind + "." + SchemeGroupVersion.String()
	ShardGroupVersionKind = SchemeGroupVersion.WithKind(ShardKind)
)

// CoreTemplate type metadata.
var (
	CoreTemplateKind             = reflect.TypeFor[CoreTemplate]().Name()
	CoreTemplateGroupKind        = schema.GroupKind{Group: Group, Kind: CoreTemplateKind}.String()
	CoreTemplateKindAPIVersion   = CoreTemplateKind + "." + SchemeGroupVersion.String()
	CoreTemplateGroupVersionKind = SchemeGroupVersion.WithKind(CoreTemplateKind)
)

// CellTemplate type metadata.
var (
	CellTemplateKind             = reflect.TypeFor[CellTemplate]().Name()
	CellTemplateGroupKind        = schema.GroupKind{Group: Group, Kind: CellTemplateKind}.String()
	CellTemplateKindAPIVersion   = CellTemplateKind + "." + SchemeGroupVersion.String()
	CellTemplateGroupVersionKind = SchemeGroupVersion.WithKind(CellTemplateKind)
)

// ShardTemplate type metadata.
var (
	ShardTemplateKind             = reflect.TypeFor[ShardTemplate]().Name()
	ShardTemplateGroupKind        = schema.GroupKind{Group: Group, Kind: ShardTemplateKind}.String()
	ShardTemplateKindAPIVersion   = ShardTemplateKind + "." + SchemeGroupVersion.String()
	ShardTemplateGroupVersionKind = SchemeGroupVersion.WithKind(ShardTemplateKind)
)

func init() {
	SchemeBuilder.Register(
		&MultigresCluster{}, &MultigresClusterList{},
		&XMultigresCluster{}, &XMultigresClusterList{},
		&TopoServer{}, &TopoServerList{},
		&Cell{}, &CellList{},
		&TableGroup{}, &TableGroupList{},
		&Shard{}, &ShardList{},
		&CoreTemplate{}, &CoreTemplateList{},
		&CellTemplate{}, &CellTemplateList{},
		&ShardTemplate{}, &ShardTemplateList{},
	)
}
