package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

const (
	policyDelete = `managementPolicies: ["*"]`
	policyRetain = `managementPolicies: [Observe, Create, Update, LateInitialize]`
	provider     = `providerConfigRef: {kind: ProviderConfig, name: orders}`
)

func TestBuildCellRecord(t *testing.T) {
	c := resolved(t, minimal)
	same(t, "A cell without a server of its own keeps its records in the global one.", buildCellRecord(c, &c.Cells[0]), `
apiVersion: m.multigres.com/v1alpha1
kind: CellRecord
metadata: {name: orders-zone-a-49f665bc, labels: {`+labels("topology")+`, multigres.com/cell: zone-a}}
spec:
  `+provider+`
  `+policyDelete+`
  forProvider: {cell: zone-a, serverAddresses: ["orders-global-topo.app.svc:2379"], root: /multigres/global}
`)
	c = resolved(t, everything, givenEverything...)
	same(t, "A cell's own server speaks plainly even where the global one does not; without pruning the record outlives us.", buildCellRecord(c, &c.Cells[1]), `
apiVersion: m.multigres.com/v1alpha1
kind: CellRecord
metadata: {name: orders-zone-b-bbfdd4f7, labels: {`+labels("topology")+`, multigres.com/cell: zone-b}}
spec:
  `+provider+`
  `+policyRetain+`
  forProvider: {cell: zone-b, serverAddresses: ["http://orders-zone-b-bbfdd4f7-topo-ddccf988.app.svc:2379"], root: /multigres/zone-b}
`)
}

func TestBuildDatabaseRecord(t *testing.T) {
	c := resolved(t, minimal)
	same(t, "A database lists all cells it is given, in their order.", buildDatabaseRecord(c, &c.Databases[0], []string{"zone-a", "gone"}), `
apiVersion: m.multigres.com/v1alpha1
kind: DatabaseRecord
metadata: {name: orders-postgres-05c0e0b1, labels: {`+labels("topology")+`, multigres.com/database: postgres}}
spec:
  `+provider+`
  `+policyDelete+`
  forProvider:
    database: postgres
    cells: [zone-a, gone]
    durabilityPolicy: AT_LEAST_2
    backupLocation: {filesystem: {path: /backups}}
`)
}

func TestBackupLocation(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     v1alpha1.BackupConfig
		want   mv1alpha1.BackupLocation
	}{
		"Filesystem": {
			reason: "Only the path matters to poolers.",
			in:     v1alpha1.BackupConfig{Filesystem: &v1alpha1.FilesystemBackupConfig{Path: "/b", Storage: v1alpha1.StorageSpec{Size: "1Gi"}}},
			want:   mv1alpha1.BackupLocation{Filesystem: &mv1alpha1.FilesystemBackup{Path: "/b"}},
		},
		"Environment": {
			reason: "Where the pods have credentials in their environment poolers must know.",
			in:     v1alpha1.BackupConfig{S3: &v1alpha1.S3BackupConfig{Bucket: "b", Region: "r", Endpoint: "e", KeyPrefix: "p", UseEnvCredentials: true}},
			want:   mv1alpha1.BackupLocation{S3: &mv1alpha1.S3Backup{Bucket: "b", Region: "r", Endpoint: "e", KeyPrefix: "p", UseEnvCredentials: true}},
		},
		"Secret": {
			reason: "Credentials from a Secret reach the pods by their environment, too.",
			in:     v1alpha1.BackupConfig{S3: &v1alpha1.S3BackupConfig{Bucket: "b", Region: "r", CredentialsSecret: "s"}},
			want:   mv1alpha1.BackupLocation{S3: &mv1alpha1.S3Backup{Bucket: "b", Region: "r", UseEnvCredentials: true}},
		},
		"Identity": {
			reason: "A service account is no credential in the environment.",
			in:     v1alpha1.BackupConfig{S3: &v1alpha1.S3BackupConfig{Bucket: "b", Region: "r", ServiceAccountName: "sa"}},
			want:   mv1alpha1.BackupLocation{S3: &mv1alpha1.S3Backup{Bucket: "b", Region: "r"}},
		},
		"Nothing": {reason: "Nothing is made up."},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, backupLocation(tc.in)); diff != "" {
				t.Errorf("%s -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
