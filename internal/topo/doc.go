// Package topo keeps the topology records of one Multigres cluster: messages of
// Multigres in etcd, under the keys that Multigres itself uses.
//
// Multigres' own topology client cannot do two things that a controller needs,
// so this package talks to etcd itself. A write here is one transaction that
// also compares who leads (the fence) and who owns the record (the owner key),
// and its errors say what happened by identity. Both extra keys live under
// <root>/crossplane, where Multigres does not look.
package topo
