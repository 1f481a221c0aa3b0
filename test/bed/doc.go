// Package bed runs a real Kubernetes of several nodes, each one failure zone, on one Linux machine and without a container engine:
// real kubelets with containerd, runc, CNI plugins, kube-proxy, cluster DNS and volumes.
//
// Everything that listens does so in network namespaces of the bed's own; the machine's network has nothing of it but one TCP port
// on a loopback address, behind which is the API server. So beds of different names run side by side with the same addresses inside.
//
//	hub (network and process namespace)   etcd, API server, controller manager, scheduler, registry; a bridge
//	node per zone                         containerd, kubelet, kube-proxy, pods; all namespaces, its own cgroups
//
// The first process of each namespace starts and restarts the programs (see supervise); when it is killed the kernel ends all others
// in it. That is how a bed goes down, and how a test makes a zone lose power.
package bed
