package cluster

import "testing"

func TestBuildPassword(t *testing.T) {
	spec := `
  ` + provider + `
  forProvider: {secretName: orders-postgres-password, key: password}
`
	head := `
apiVersion: m.multigres.com/v1alpha1
kind: Password
metadata: {name: orders-postgres-password, labels: {` + labels("postgres-password") + `}}
spec:`
	same(t, "A password outlives the cluster with the data that it is in.", buildPassword(resolved(t, minimal)), head+spec+"  "+policyRetain)
	same(t, "It goes where all data goes.", buildPassword(resolved(t, minimal+"  pvcDeletionPolicy: {whenDeleted: Delete}\n")), head+spec+"  "+policyDelete)
	same(t, "It stays if any pool stays.", buildPassword(resolved(t, minimal+`
  pvcDeletionPolicy: {whenDeleted: Delete}
  databases:
  - name: postgres
    default: true
    tablegroups:
    - name: default
      default: true
      shards: [{name: 0-inf, spec: {pools: {a: {}, b: {pvcDeletionPolicy: {whenDeleted: Retain}}}}}]
`)), head+spec+"  "+policyRetain)
}
