// Package engine runs Crossplane's own programs over a composition function,
// so that tests see what a control plane would see, without one.
//
// Two programs are driven, both as child processes and both offline:
//
//   - Core, the composition engine of a Crossplane release. Its reconciler runs
//     once on a fake client. It is the reference: besides the composed resources
//     it reports what it would delete, which events it would emit and which
//     resources the function asked for.
//   - CLI, the tool a user has: "crossplane render" and "crossplane beta
//     validate".
//
// The function itself is a process too (StartFunction), reached over plain gRPC
// on loopback.
//
// The package is for tests. The programs' paths come from the environment
// (FromEnv) and `make render` sets them; nothing is downloaded here.
package engine
