// Package process runs the programs that tests need as child processes, and
// finds free ports for them.
//
// A child dies with the test's process however that ends: the kernel sends it
// SIGKILL (prctl(2), PR_SET_PDEATHSIG). So it runs on Linux only, as do the
// programs.
package process
