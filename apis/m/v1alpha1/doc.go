// Package v1alpha1 holds the managed resources of the group m.multigres.com. Each of them stands for one thing that a
// Multigres cluster needs and that either lives outside the Kubernetes API (a record in the topology server) or must
// outlive what composed it (a volume, a password, a certificate). All managed resources are namespaced and touch nothing
// outside their own namespace; only a ClusterProviderConfig may name Secrets of other namespaces.
//
// +kubebuilder:object:generate=true
// +groupName=m.multigres.com
// +versionName=v1alpha1
package v1alpha1
