package cluster

import "testing"

func TestBuildTableGroup(t *testing.T) {
	c := resolved(t, minimal)
	settings := dataPlaneSettings(c)
	settings.DurabilityPolicy = c.Databases[0].Durability
	same(t, "A table group gets everything resolved.", buildTableGroup(c, &c.Databases[0], &c.Databases[0].TableGroups[0], settings), `
apiVersion: multigres.com/v1alpha1
kind: TableGroup
metadata:
  name: orders-postgres-default-f00386c6
  labels: {`+labels("tablegroup")+`, multigres.com/database: postgres, multigres.com/tablegroup: default}
  annotations: {multigres.com/project-ref: orders}
spec:
  clusterName: orders
  databaseName: postgres
  tableGroupName: default
  default: true
  images:
    imagePullPolicy: IfNotPresent
    multiorch: ghcr.io/multigres/multigres:v0.1.0
    multipooler: ghcr.io/multigres/multigres:v0.1.0
    postgres: ghcr.io/multigres/pgctld:v0.1.0
    postgresExporter: quay.io/prometheuscommunity/postgres-exporter:v0.20.1
  globalTopoServer: {address: "orders-global-topo.app.svc:2379", rootPath: /multigres/global, implementation: etcd}
  `+provider+`
  logLevels: {pgctld: info, multipooler: info, multiorch: info, multiadmin: info, multigateway: info}
  topologyPruning: {enabled: true}
  durabilityPolicy: AT_LEAST_2
  postgresSuperuser: postgres
  postgresPasswordSecretRef: {name: orders-postgres-password, key: password}
  cellTopologyLabels: {zone-a: {topology.kubernetes.io/zone: a}}
  pvcDeletionPolicy: {whenDeleted: Retain, whenScaled: Retain}
  backup: {type: filesystem, filesystem: {path: /backups, storage: {size: 10Gi, accessModes: [ReadWriteMany]}}}
  shards:
  - name: 0-inf
    multiorch:
      cells: [zone-a]
      replicas: 1
      resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
    pvcDeletionPolicy: {whenDeleted: Retain, whenScaled: Retain}
    backup: {type: filesystem, filesystem: {path: /backups, storage: {size: 10Gi, accessModes: [ReadWriteMany]}}}
    pools:
      default:
        type: readWrite
        cells: [zone-a]
        replicasPerCell: 3
        storage: {size: 1Gi, accessModes: [ReadWriteOnce]}
        postgres: {resources: {requests: {cpu: 100m, memory: 256Mi}, limits: {memory: 512Mi}}}
        multipooler: {resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}}
        pvcDeletionPolicy: {whenDeleted: Retain, whenScaled: Retain}
`)
}
