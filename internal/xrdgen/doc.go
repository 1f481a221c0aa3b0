// Package xrdgen generates what the Configuration and the Provider package
// install, from the CustomResourceDefinitions that controller-gen makes of the
// Go types of the multigres.com group.
//
// A kind with a status is a composite resource and becomes a
// CompositeResourceDefinition and a Composition: a namespaced kind one of
// apiextensions.crossplane.io/v2, a cluster-scoped kind one of v1, which offers
// a claim. A kind without a status is a plain kind and stays a
// CustomResourceDefinition.
//
// Output depends on input only: the same definitions give the same bytes.
package xrdgen
