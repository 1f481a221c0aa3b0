// Package kubelet plays the nodes of a cluster whose control plane is real:
// pods that are scheduled become running and ready, pods that are deleted end,
// volumes are provisioned, bound, grown and deleted. No container runs; but a
// caller may run a program for a pod (Run), and then the pod is ready when the
// program is and ends with it, and whoever uses the network's proxy reaches it
// by the names of its Services.
//
// How a pod fares can be changed per pod (Behaviour): by annotations, which
// people and tests set on a pod or beforehand on its namespace, and by a
// function, which tests give.
package kubelet
