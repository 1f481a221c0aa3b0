package workload

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// caKey is the key of the CA certificate in a Secret, by the convention that cert-manager and Crossplane share.
const caKey = "ca.crt"

// internalTLSPath is where the certificate for the traffic between components is mounted.
const internalTLSPath = "/etc/multigres/tls"

// InternalTLSVolumes returns the volume with a component's certificate for the traffic between components, and nothing if the
// Secret has no name.
func InternalTLSVolumes(secret string) []Volume {
	if secret == "" {
		return nil
	}
	return []Volume{SecretVolume("internal-tls", secret, internalTLSPath)}
}

// SecretVolume returns a volume with all keys of a Secret, readable by every user of the pod.
func SecretVolume(name, secret, path string) Volume {
	return Volume{
		Volume: corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: secret, DefaultMode: ptr.To(secretMode)},
		}},
		Mount: corev1.VolumeMount{Name: name, MountPath: path, ReadOnly: true},
	}
}

// InternalTLSServerFlags returns the flags by which a component serves gRPC with its certificate and asks its clients for
// theirs, and nothing if the Secret has no name.
func InternalTLSServerFlags(secret string) []string {
	if secret == "" {
		return nil
	}
	return []string{
		"--grpc-cert=" + internalTLSPath + "/" + corev1.TLSCertKey,
		"--grpc-key=" + internalTLSPath + "/" + corev1.TLSPrivateKeyKey,
		"--grpc-ca=" + internalTLSPath + "/" + caKey,
		"--grpc-server-ca=" + internalTLSPath + "/" + caKey,
	}
}

// InternalTLSPoolerClientFlags returns the flags by which a component speaks to the poolers, whose certificate carries the
// given name, and nothing if the Secret has no name.
func InternalTLSPoolerClientFlags(secret, poolerName string) []string {
	if secret == "" {
		return nil
	}
	return []string{
		"--multipooler-grpc-cert=" + internalTLSPath + "/" + corev1.TLSCertKey,
		"--multipooler-grpc-key=" + internalTLSPath + "/" + corev1.TLSPrivateKeyKey,
		"--multipooler-grpc-ca=" + internalTLSPath + "/" + caKey,
		"--multipooler-grpc-server-name=" + poolerName,
		"--multipooler-grpc-require-tls",
	}
}
