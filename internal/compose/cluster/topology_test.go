package cluster

import "testing"

func TestBuildTopoServer(t *testing.T) {
	same(t, "A managed server is complete and carries how its images are pulled.", buildTopoServer(resolved(t, minimal)), `
apiVersion: multigres.com/v1alpha1
kind: TopoServer
metadata:
  name: orders-global-topo
  labels: {`+labels("global-topo")+`}
  annotations: {multigres.com/project-ref: orders}
spec:
  clusterName: orders
  imagePullPolicy: IfNotPresent
  pvcDeletionPolicy: {whenDeleted: Retain, whenScaled: Retain}
  etcd:
    image: gcr.io/etcd-development/etcd:v3.6.7
    replicas: 3
    rootPath: /multigres/global
    storage: {size: 1Gi, accessModes: [ReadWriteOnce]}
    resources: {requests: {cpu: 100m, memory: 256Mi}, limits: {memory: 512Mi}}
`)
}

func TestBuildProviderConfig(t *testing.T) {
	same(t, "A managed server is reached by its Service, without TLS; it goes with the cluster, as those of cells do.", buildProviderConfig(resolved(t, minimal), []string{"zone-b"}), `
apiVersion: m.multigres.com/v1alpha1
kind: ProviderConfig
metadata: {name: orders, labels: {`+labels("topology")+`}}
spec:
  implementation: etcd
  endpoints: ["http://orders-global-topo.app.svc:2379"]
  root: /multigres/global
  topoServerRef: {name: orders-global-topo}
  cellTopoServerRefs: [{cell: zone-b, name: orders-zone-b-bbfdd4f7-topo-ddccf988}]
`)
	same(t, "All endpoints of an external server are used, with its certificates.", buildProviderConfig(resolved(t, everything, givenEverything...), nil), `
apiVersion: m.multigres.com/v1alpha1
kind: ProviderConfig
metadata: {name: orders, labels: {`+labels("topology")+`}}
spec:
  implementation: etcd
  endpoints: ["https://etcd-0.infra:2379", "https://etcd-1.infra:2379"]
  root: /multigres/app/orders/global
  tls: {caSecretRef: {name: etcd-ca}, clientCertSecretRef: {name: etcd-client}}
`)
}
