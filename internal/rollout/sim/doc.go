// Package sim holds no code but tests: a model of everything around a shard's composer (API server, Crossplane, kubelets, the
// provider, Multigres) that drives the real composer and the real planner through random schedules of faults and changes, and
// checks after every step what the rollout promises.
//
//	go test ./internal/rollout/sim                                    a few hundred schedules
//	go test ./internal/rollout/sim -run TestSimulate -sim.schedules=10000
//	go test ./internal/rollout/sim -run TestSimulate -sim.seed=42     one schedule, with its whole story
//
// A schedule that fails is reduced to the events without which it does not fail, and told as a story.
package sim
