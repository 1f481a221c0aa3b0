package cluster

import (
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// Keys of the connection Secret.
const (
	keyHost        = "host"
	keyPort        = "port"
	keyEndpoint    = "endpoint"
	keyUsername    = "username"
	keyPassword    = "password"
	keyDatabase    = "database"
	keyURI         = "uri"
	keyReplicaHost = "replicaHost"
	keyReplicaPort = "replicaPort"
)

// addConnection adds the Secret that tells applications how to connect, once the password is known. While it is not, a Secret
// that has one keeps it.
func (a *assembly) addConnection() error {
	live := a.s.Observed(naming.KeyConnectionSecret)
	if live.Exists() && live.Name() != a.c.ConnectionSecret {
		// A composed resource cannot be renamed. The old one goes, and the next pass makes the new one.
		a.awaited = append(a.awaited, "removal of Secret "+live.Name())
		return nil
	}
	if a.c.password == "" && live.Exists() {
		return a.s.Keep(naming.KeyConnectionSecret)
	}
	a.addWhen(a.c.password != "", passwordReason(a.c), naming.KeyConnectionSecret, buildConnection(a.c))
	return nil
}

func buildConnection(c *cluster) *corev1.Secret {
	host, port := gatewayHost(c), strconv.Itoa(int(portPostgres))
	uri := url.URL{Scheme: "postgresql", User: url.UserPassword(c.Superuser, c.password), Host: host + ":" + port, Path: "/" + c.Databases[0].Name}
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: c.ConnectionSecret, Labels: c.labels(naming.ComponentConnection)},
		Type:       corev1.SecretTypeOpaque,
		Data: map[string][]byte{
			keyHost:        []byte(host),
			keyPort:        []byte(port),
			keyEndpoint:    []byte(host),
			keyUsername:    []byte(c.Superuser),
			keyPassword:    []byte(c.password),
			keyDatabase:    []byte(c.Databases[0].Name),
			keyURI:         []byte(uri.String()),
			keyReplicaHost: []byte(replicaHost(c)),
			keyReplicaPort: []byte(strconv.Itoa(int(portPgReplica))),
		},
	}
}

// gatewayHost is where clients inside the Kubernetes cluster read and write.
func gatewayHost(c *cluster) string {
	return naming.ServiceHost(naming.MultiGateway(c.Name), c.Namespace)
}

// replicaHost is where they read what may be stale.
func replicaHost(c *cluster) string {
	return naming.ServiceHost(naming.MultiGatewayReplica(c.Name), c.Namespace)
}
