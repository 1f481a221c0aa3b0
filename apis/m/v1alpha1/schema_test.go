package v1alpha1

import (
	"testing"
	"time"

	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/schematest"
)

// What a schema refuses without any CEL, by the path of the field that it names.
func TestRefused(t *testing.T) {
	objs := valid(t)
	long := func(n int) string { return string(make([]byte, n)) }

	cases := map[string]struct {
		reason string
		plural string
		value  any
		path   []any
		want   string
	}{
		"CellWithUnderscore":    {reason: "Multigres joins cell and service id with an underscore.", plural: "cellrecords", value: "zone_a", path: []any{spec, forProvider, "cell"}, want: "spec.forProvider.cell"},
		"CellWithSlash":         {reason: "A cell is one step of a path.", plural: "cellrecords", value: "zone/a", path: []any{spec, forProvider, "cell"}, want: "spec.forProvider.cell"},
		"NoServerAddress":       {reason: "A cell without a topology server is of no use.", plural: "cellrecords", value: []any{}, path: []any{spec, forProvider, "serverAddresses"}, want: "spec.forProvider.serverAddresses"},
		"RelativeRoot":          {reason: "A root is an absolute path.", plural: "cellrecords", value: "multigres", path: []any{spec, forProvider, "root"}, want: "spec.forProvider.root"},
		"RootOfEverything":      {reason: "Two clusters would share the root of everything.", plural: "providerconfigs", value: "/", path: []any{spec, "root"}, want: "spec.root"},
		"DatabaseWithSlash":     {reason: "A database is one step of a path.", plural: "databaserecords", value: "a/b", path: []any{spec, forProvider, "database"}, want: "spec.forProvider.database"},
		"CellTwice":             {reason: "A database is in a cell or not.", plural: "databaserecords", value: []any{"a", "a"}, path: []any{spec, forProvider, "cells"}, want: "spec.forProvider.cells[1]"},
		"UnknownDurability":     {reason: "Multigres would not parse it.", plural: "databaserecords", value: "AT_LEAST_1", path: []any{spec, forProvider, "durabilityPolicy"}, want: "spec.forProvider.durabilityPolicy"},
		"LocationWithoutPath":   {reason: "A directory has a path.", plural: "databaserecords", value: map[string]any{"filesystem": map[string]any{}}, path: []any{spec, forProvider, "backupLocation"}, want: "spec.forProvider.backupLocation.filesystem.path"},
		"ServiceIDUnderscore":   {reason: "Multigres joins cell and service id with an underscore.", plural: "shardrecords", value: "p_0", path: []any{spec, forProvider, "poolers", 0, "serviceID"}, want: "spec.forProvider.poolers[0].serviceID"},
		"IntervalInDays":        {reason: "Days are no unit.", plural: "shardrecords", value: "1d", path: []any{spec, forProvider, "backups", "schedule", "full"}, want: "spec.forProvider.backups.schedule.full"},
		"RetainNothing":         {reason: "The last full backup stays.", plural: "shardrecords", value: 0, path: []any{spec, forProvider, "backups", "retainedFull"}, want: "spec.forProvider.backups.retainedFull"},
		"SamePoolerTwice":       {reason: "Cell and service id are a pooler's identity.", plural: "shardrecords", value: "zone-a", path: []any{spec, forProvider, "poolers", 1, "cell"}, want: "spec.forProvider.poolers[1]"},
		"UnknownAccessMode":     {reason: "Kubernetes does not know it.", plural: "volumeclaims", value: []any{"Anyhow"}, path: []any{spec, forProvider, "accessModes"}, want: "spec.forProvider.accessModes[0]"},
		"SizeThatIsNone":        {reason: "A size is a quantity.", plural: "volumeclaims", value: "big", path: []any{spec, forProvider, "size"}, want: "spec.forProvider.size"},
		"PasswordTooShort":      {reason: "A short password is guessed.", plural: "passwords", value: 7, path: []any{spec, forProvider, "length"}, want: "spec.forProvider.length"},
		"PasswordTooLong":       {reason: "There is a limit.", plural: "passwords", value: 129, path: []any{spec, forProvider, "length"}, want: "spec.forProvider.length"},
		"SecretNameThatIsNone":  {reason: "A Secret's name is a DNS subdomain.", plural: "passwords", value: "A B", path: []any{spec, forProvider, "secretName"}, want: "spec.forProvider.secretName"},
		"SecretKeyThatIsNone":   {reason: "A Secret's key has no slash.", plural: "passwords", value: "a/b", path: []any{spec, forProvider, "key"}, want: "spec.forProvider.key"},
		"DNSNameThatIsNone":     {reason: "A wildcard is a whole label.", plural: "tlscertificates", value: []any{"a*.app"}, path: []any{spec, forProvider, "dnsNames"}, want: "spec.forProvider.dnsNames[0]"},
		"CommonNameTooLong":     {reason: "A common name has at most 64 characters.", plural: "tlscertificates", value: long(65), path: []any{spec, forProvider, "commonName"}, want: "spec.forProvider.commonName"},
		"DurationInDays":        {reason: "Go does not read days.", plural: "tlscertificates", value: "90d", path: []any{spec, forProvider, "duration"}, want: "spec.forProvider.duration"},
		"UnknownUsage":          {reason: "Only servers and clients are certified.", plural: "tlscertificates", value: []any{"code signing"}, path: []any{spec, forProvider, "usages"}, want: "spec.forProvider.usages[0]"},
		"UnknownImplementation": {reason: "Multigres has only one.", plural: "providerconfigs", value: "consul", path: []any{spec, "implementation"}, want: "spec.implementation"},
		"EndpointThatIsNone":    {reason: "An endpoint has no path.", plural: "providerconfigs", value: []any{"https://etcd:2379/v3/kv"}, path: []any{spec, "endpoints"}, want: "spec.endpoints[0]"},
		"EndpointOtherScheme":   {reason: "etcd speaks http or https.", plural: "clusterproviderconfigs", value: []any{"ftp://etcd:2379"}, path: []any{spec, "endpoints"}, want: "spec.endpoints[0]"},
		"NoEndpoint":            {reason: "A server without an endpoint is not reached.", plural: "clusterproviderconfigs", value: []any{}, path: []any{spec, "endpoints"}, want: "spec.endpoints"},
		"UnknownSource":         {reason: "There is no other source.", plural: "providerconfigs", value: "Environment", path: []any{spec, "credentials", "source"}, want: "spec.credentials.source"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := load(t, tc.plural)
			obj := schematest.With(t, objs[tc.plural], tc.value, tc.path...)
			s.Default(obj)

			// Rules that cannot be evaluated for the value may complain as well, but later.
			errs := s.Validate(obj, nil)
			if len(errs) == 0 {
				t.Fatalf("\n%s\nValidate(...): want an error at %s, got none", tc.reason, tc.want)
			}

			if diff := cmp.Diff(tc.want, errs[0].Field); diff != "" {
				t.Errorf("\n%s\nValidate(...): -want field, +got field:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	objs := valid(t)

	cases := map[string]struct {
		reason string
		plural string
		path   []any
		want   any
	}{
		"DurabilityPolicy": {reason: "The weaker policy works in one cell.", plural: "databaserecords", path: []any{spec, forProvider, "durabilityPolicy"}, want: "AT_LEAST_2"},
		"AccessModes":      {reason: "A pod has its volume for itself.", plural: "volumeclaims", path: []any{spec, forProvider, "accessModes"}, want: []any{"ReadWriteOnce"}},
		"Key":              {reason: "The usual key of a password.", plural: "passwords", path: []any{spec, forProvider, "key"}, want: "password"},
		"Length":           {reason: "A length that is not guessed.", plural: "passwords", path: []any{spec, forProvider, "length"}, want: int64(32)},
		"Usages":           {reason: "Peers are servers and clients.", plural: "tlscertificates", path: []any{spec, forProvider, "usages"}, want: []any{"server auth", "client auth"}},
		"Duration":         {reason: "90 days.", plural: "tlscertificates", path: []any{spec, forProvider, "duration"}, want: "2160h"},
		"RenewBefore":      {reason: "30 days.", plural: "tlscertificates", path: []any{spec, forProvider, "renewBefore"}, want: "720h"},
		"CADuration":       {reason: "10 years.", plural: "tlscertificates", path: []any{spec, forProvider, "caDuration"}, want: "87600h"},
		"Implementation":   {reason: "There is only one.", plural: "providerconfigs", path: []any{spec, "implementation"}, want: "etcd"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			obj := schematest.Without(t, objs[tc.plural], tc.path...)
			want := schematest.With(t, obj, tc.want, tc.path...)
			got := schematest.Encode(t, obj)

			s := load(t, tc.plural)
			s.Default(got)
			s.Default(want)

			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("\n%s\nDefault(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// Whoever may only create a ProviderConfig in a namespace must not be able to point the provider at a Secret elsewhere.
func TestProviderConfigStaysInItsNamespace(t *testing.T) {
	refs := [][]any{
		{spec, "tls", "caSecretRef", "namespace"},
		{spec, "tls", "clientCertSecretRef", "namespace"},
		{spec, "credentials", "secretRef", "namespace"},
	}

	obj := valid(t)["providerconfigs"]
	for _, path := range refs {
		obj = schematest.With(t, obj, "kube-system", path...)
	}

	want := []string{"spec.credentials.secretRef.namespace", "spec.tls.caSecretRef.namespace", "spec.tls.clientCertSecretRef.namespace"}
	if diff := cmp.Diff(want, load(t, "providerconfigs").PruneUnknown(obj)); diff != "" {
		t.Errorf("PruneUnknown(...): -want, +got:\n%s", diff)
	}
}

// What a controller writes must be in the schema: one refused field and the whole status is lost. That holds for what
// nobody validated, such as a record that someone else wrote.
func TestObservationsAreAccepted(t *testing.T) {
	now := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	size := resource.MustParse("10Gi")
	class := ""

	conditions := xpv2.ManagedResourceStatus{ObservedStatus: xpv2.ObservedStatus{ObservedGeneration: 1}}
	conditions.SetConditions(xpv2.Condition{Type: xpv2.TypeReady, Status: corev1.ConditionTrue, LastTransitionTime: now, Reason: xpv2.ReasonAvailable})

	cases := map[string]struct {
		reason string
		plural string
		status any
	}{
		"NoCellRecord":     {reason: "Nothing may be observed.", plural: "cellrecords", status: CellRecordStatus{}},
		"NoDatabaseRecord": {reason: "Nothing may be observed.", plural: "databaserecords", status: DatabaseRecordStatus{}},
		"NoShardRecord":    {reason: "Nothing may be observed.", plural: "shardrecords", status: ShardRecordStatus{}},
		"NoVolumeClaim":    {reason: "Nothing may be observed.", plural: "volumeclaims", status: VolumeClaimStatus{}},
		"NoPassword":       {reason: "Nothing may be observed.", plural: "passwords", status: PasswordStatus{}},
		"NoTLSCertificate": {reason: "Nothing may be observed.", plural: "tlscertificates", status: TLSCertificateStatus{}},
		"CellRecord": {
			reason: "A record that someone else wrote may hold anything.",
			plural: "cellrecords",
			status: CellRecordStatus{ManagedResourceStatus: conditions, AtProvider: CellRecordObservation{Cell: "Zone_A", ServerAddresses: []string{"", ""}, Root: "relative", Revision: 7}},
		},
		"DatabaseRecord": {
			reason: "A record that someone else wrote may hold anything, even two locations with nothing in them.",
			plural: "databaserecords",
			status: DatabaseRecordStatus{AtProvider: DatabaseRecordObservation{
				Database:         "a/b",
				Cells:            []string{"a", "a"},
				BackupLocation:   &BackupLocation{Filesystem: &FilesystemBackup{}, S3: &S3Backup{}},
				DurabilityPolicy: "AT_LEAST_3",
				Revision:         7,
			}},
		},
		"ShardRecord": {
			reason: "All facts about a shard should be in the schema.",
			plural: "shardrecords",
			status: ShardRecordStatus{AtProvider: ShardRecordObservation{
				Probe:            "1",
				UnreachableCells: []string{"c"},
				Leader:           "p-0",
				LeaderPod:        "a-0",
				Term:             3,
				Cohort:           []string{"p-0", "p-0"},
				DurabilityPolicy: "AT_LEAST_3",
				Poolers: []PoolerObservation{
					{Pod: "a-0", PodUID: "u", Terminating: true, ServiceID: "p-0", Cell: "a", ConfigHash: "0a", Role: PoolerRolePrimary, Term: 3, InCohort: true, Registered: true, Reachable: true, Initialized: true, PostgresReady: true, LagWithinLimit: true, RestartPending: true, LastBackupID: "b"},
					{ServiceID: "p-0", Cell: "b", Role: PoolerRoleReplica},
					{ServiceID: "p_1", Cell: "b", Role: PoolerRoleUnknown},
					{ServiceID: "p-2", Cell: "b"},
				},
				LastBackup: &BackupObservation{ID: "b", Type: BackupTypeIncremental, StartedAt: &now},

				LastFullBackup: &BackupObservation{ID: "a", Type: BackupTypeFull, StartedAt: &now}, FullBackups: 2,

				InitClaim: &InitClaimObservation{Claimer: "orch", Members: []string{"p-0"}},
				Leftovers: []string{"p-2"},
			}},
		},
		"VolumeClaim": {
			reason: "All facts about a volume should be in the schema.",
			plural: "volumeclaims",
			status: VolumeClaimStatus{AtProvider: VolumeClaimObservation{
				Phase:            corev1.ClaimBound,
				Capacity:         &size,
				VolumeName:       "pv",
				StorageClassName: &class,
				Resize:           &ResizeObservation{Requested: &size, Pending: true, FileSystemResizePending: true, Error: "cannot"},
			}},
		},
		"Password": {
			reason: "All facts about a password should be in the schema.",
			plural: "passwords",
			status: PasswordStatus{AtProvider: PasswordObservation{SecretName: "a", Key: "b", CreatedAt: &now, Rotation: "c"}},
		},
		"TLSCertificate": {
			reason: "All facts about a certificate should be in the schema.",
			plural: "tlscertificates",
			status: TLSCertificateStatus{AtProvider: TLSCertificateObservation{NotBefore: &now, NotAfter: &now, Serial: "0a", RenewalTime: &now, CANotAfter: &now}},
		},
		"ProviderConfig": {
			reason: "The number of users should be in the schema.",
			plural: "providerconfigs",
			status: ProviderConfigStatus{ProviderConfigStatus: xpv2.ProviderConfigStatus{Users: 3}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := load(t, tc.plural)
			old := valid(t)[tc.plural]
			s.Default(old)
			obj := schematest.With(t, old, tc.status, "status")

			if diff := cmp.Diff([]string(nil), s.PruneUnknown(obj)); diff != "" {
				t.Errorf("\n%s\nPruneUnknown(...): -want, +got:\n%s", tc.reason, diff)
			}

			if errs := s.Validate(obj, old); len(errs) > 0 {
				t.Errorf("\n%s\nValidate(...): want no errors, got: %v", tc.reason, errs.ToAggregate())
			}
		})
	}
}
