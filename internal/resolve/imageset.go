package resolve

import (
	"cmp"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// A component is one that has an image of its own.
type component struct {
	// name of the component's field in an ImageSet, as JSON has it.
	name string

	// recorded says that a record of applied images without it is incomplete. The operator recorded no others.
	recorded bool

	pin func(*v1alpha1.ClusterImages) v1alpha1.ImageRef
	get func(*v1alpha1.ImageSet) *string
}

// components are all components that have an image.
var components = []component{
	{
		name: "multiadmin", recorded: true,
		pin: func(i *v1alpha1.ClusterImages) v1alpha1.ImageRef { return i.Multiadmin },
		get: func(s *v1alpha1.ImageSet) *string { return &s.Multiadmin },
	},
	{
		name: "multiadminWeb", recorded: true,
		pin: func(i *v1alpha1.ClusterImages) v1alpha1.ImageRef { return i.MultiadminWeb },
		get: func(s *v1alpha1.ImageSet) *string { return &s.MultiadminWeb },
	},
	{
		name: "multigateway", recorded: true,
		pin: func(i *v1alpha1.ClusterImages) v1alpha1.ImageRef { return i.Multigateway },
		get: func(s *v1alpha1.ImageSet) *string { return &s.Multigateway },
	},
	{
		name: "multiorch", recorded: true,
		pin: func(i *v1alpha1.ClusterImages) v1alpha1.ImageRef { return i.Multiorch },
		get: func(s *v1alpha1.ImageSet) *string { return &s.Multiorch },
	},
	{
		name: "multipooler", recorded: true,
		pin: func(i *v1alpha1.ClusterImages) v1alpha1.ImageRef { return i.Multipooler },
		get: func(s *v1alpha1.ImageSet) *string { return &s.Multipooler },
	},
	{
		name: "postgres", recorded: true,
		pin: func(i *v1alpha1.ClusterImages) v1alpha1.ImageRef { return i.Postgres },
		get: func(s *v1alpha1.ImageSet) *string { return &s.Postgres },
	},
	{
		name: "etcd",
		pin:  func(i *v1alpha1.ClusterImages) v1alpha1.ImageRef { return i.Etcd },
		get:  func(s *v1alpha1.ImageSet) *string { return &s.Etcd },
	},
	{
		name: "postgresExporter",
		pin:  func(i *v1alpha1.ClusterImages) v1alpha1.ImageRef { return i.PostgresExporter },
		get:  func(s *v1alpha1.ImageSet) *string { return &s.PostgresExporter },
	},
}

// pinnedImages returns the images that a spec pins, and how many.
func pinnedImages(i v1alpha1.ClusterImages) (set v1alpha1.ImageSet, pins int) {
	for _, c := range components {
		if pin := c.pin(&i); pin != "" {
			*c.get(&set) = string(pin)
			pins++
		}
	}
	return set, pins
}

// completeImages returns a set in which others stand in for the images that it lacks.
func completeImages(set, others v1alpha1.ImageSet) v1alpha1.ImageSet {
	for _, c := range components {
		*c.get(&set) = cmp.Or(*c.get(&set), *c.get(&others))
	}
	return set
}

// recordComplete says whether a set can be a record of applied images.
func recordComplete(set v1alpha1.ImageSet) bool {
	for _, c := range components {
		if c.recorded && *c.get(&set) == "" {
			return false
		}
	}
	return true
}
