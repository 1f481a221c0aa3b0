package cluster

import (
	"testing"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

func TestBuildCell(t *testing.T) {
	c := resolved(t, minimal)
	same(t, "A cell gets everything resolved.", buildCell(c, &c.Cells[0], []v1alpha1.CellName{"zone-a", "zone-b"}), `
apiVersion: multigres.com/v1alpha1
kind: Cell
metadata:
  name: orders-zone-a-49f665bc
  labels: {`+labels("cell")+`, multigres.com/cell: zone-a}
  annotations: {multigres.com/project-ref: orders}
spec:
  name: zone-a
  clusterName: orders
  zone: a
  topologyLabels: {topology.kubernetes.io/zone: a}
  cellRecordName: orders-zone-a-49f665bc
  images: {imagePullPolicy: IfNotPresent, multigateway: "ghcr.io/multigres/multigres:v0.1.0", etcd: "gcr.io/etcd-development/etcd:v3.6.7"}
  multigateway:
    replicas: 1
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
    buffer: {enabled: true}
  globalTopoServer: {address: "orders-global-topo.app.svc:2379", rootPath: /multigres/global, implementation: etcd}
  allCells: [zone-a, zone-b]
  topologyReconciliation: {registerCell: true, prunePoolers: true}
  logLevels: {pgctld: info, multipooler: info, multiorch: info, multiadmin: info, multigateway: info}
`)
}
