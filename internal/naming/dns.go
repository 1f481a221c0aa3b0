package naming

// ServiceHost is the DNS name of a Service. It leaves the cluster domain to
// the search path of the pod, so that no cluster domain is assumed.
func ServiceHost(service, namespace string) string {
	return service + "." + namespace + ".svc"
}

// PodHost is the DNS name of a pod behind a headless Service. It leaves the
// cluster domain to the search path of the pod.
func PodHost(pod, service, namespace string) string {
	return pod + "." + ServiceHost(service, namespace)
}
