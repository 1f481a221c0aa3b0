// Package resolve computes the configuration that applies to a cluster: what its spec says, over what templates say, over what
// is built in. It is the only place that knows which source wins, and it refuses what cannot work, everything at once. The
// result is never written back into a spec.
//
// The package is pure: the same arguments give the same result, and the arguments stay as they are.
package resolve
