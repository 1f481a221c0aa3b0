// Package v1alpha1 holds the API of the multigres.com group.
//
// MultigresCluster, TopoServer, Cell, TableGroup and Shard are composite
// resources; XMultigresCluster is the cluster-scoped composite behind the
// claim. CoreTemplate, CellTemplate and ShardTemplate are plain kinds that a
// MultigresCluster refers to.
//
// The types carry structure and validation, not defaults: what a field that
// was left out means is decided when a cluster is composed, and is published
// in status.effective of the MultigresCluster.
//
// Status fields are never restricted by enums or patterns: a value that the
// schema refused would blank the whole status of a composite resource.
//
// +kubebuilder:object:generate=true
// +groupName=multigres.com
// +versionName=v1alpha1
package v1alpha1
