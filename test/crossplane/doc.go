// Package crossplane installs Crossplane on a control plane of a test as its
// chart does, and runs it there: definitions, initialization, the core, the
// RBAC manager, reachable webhooks. Both run as the service accounts that the
// chart makes, with the rights that it gives them, and not as an administrator:
// a right that our packages forget is missed.
//
// Packages come from a Registry on loopback. What they bring along as images is
// run as Kubernetes would run it (Runtime): Crossplane makes the Deployment, and
// the pod's program is taken from the image.
package crossplane
