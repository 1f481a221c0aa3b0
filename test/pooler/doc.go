// Package pooler simulates the poolers of a shard, for tests: they answer on loopback what poolers of Multigres v0.1.0 answer
// to a controller, and leave the same records in the topology.
//
// The model is small. One rule is in force at a time, as it would be in the leader's log: who leads, who is in the cohort,
// under which number. A pooler that was away still believes in the rule that it last saw, which is how two of them claim to
// lead. What orchestrators do happens in Shard.Step and at no other time, so that a test decides when an election is over.
package pooler
