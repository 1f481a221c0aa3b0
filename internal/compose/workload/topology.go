package workload

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// secretMode lets every user of a pod read a mounted Secret: the images run as different ones.
const secretMode int32 = 0o444

// topologyTLSPath is where the certificates for the topology server are mounted.
const topologyTLSPath = "/etc/multigres/topology-tls"

// TopologyFlags returns the flags by which a component finds the topology server. Addresses are host:port, comma separated.
// Multigres v0.1.0 turns TLS on only with both a certificate and a key.
func TopologyFlags(ref v1alpha1.GlobalTopoServerRef) []string {
	out := []string{
		"--topo-global-server-addresses=" + ref.Address,
		"--topo-global-root=" + string(ref.RootPath),
	}
	if ref.ClientCertSecret != "" {
		out = append(out,
			"--topo-etcd-tls-cert="+topologyTLSPath+"/"+corev1.TLSCertKey,
			"--topo-etcd-tls-key="+topologyTLSPath+"/"+corev1.TLSPrivateKeyKey)
	}
	if ref.CASecret != "" {
		out = append(out, "--topo-etcd-tls-ca="+topologyTLSPath+"/"+caKey)
	}
	return out
}

// TopologyVolumes returns the volume with the certificates for the topology server, if it wants any.
func TopologyVolumes(ref v1alpha1.GlobalTopoServerRef) []Volume {
	var sources []corev1.VolumeProjection
	if ref.CASecret != "" {
		sources = append(sources, projected(string(ref.CASecret), caKey))
	}
	if ref.ClientCertSecret != "" {
		sources = append(sources, projected(string(ref.ClientCertSecret), corev1.TLSCertKey, corev1.TLSPrivateKeyKey))
	}
	if len(sources) == 0 {
		return nil
	}
	const name = "topology-tls"
	return []Volume{{
		Volume: corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			Projected: &corev1.ProjectedVolumeSource{Sources: sources, DefaultMode: ptr.To(secretMode)},
		}},
		Mount: corev1.VolumeMount{Name: name, MountPath: topologyTLSPath, ReadOnly: true},
	}}
}

func projected(secret string, keys ...string) corev1.VolumeProjection {
	items := make([]corev1.KeyToPath, 0, len(keys))
	for _, k := range keys {
		items = append(items, corev1.KeyToPath{Key: k, Path: k})
	}
	return corev1.VolumeProjection{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Items: items}}
}
