// Package controlplane runs a Kubernetes control plane for tests, as ordinary
// processes on loopback: etcd, kube-apiserver and, as wanted,
// kube-controller-manager. The API server is the real one, with its admission,
// its authorization and its garbage collector; there is no node.
//
// A test gets a Namespace of its own, identities that may do no more than they
// are granted (User, ServiceAccount), and the processes, to kill or pause. When
// it fails, the objects, events and logs are in .cache/artifacts.
//
// Nothing is left behind: the processes die with the test's, and the data of one
// that was killed is removed by the next. The programs' paths come from the
// environment (ErrNotBuilt) and `make integration` sets them; nothing is
// downloaded here.
package controlplane
