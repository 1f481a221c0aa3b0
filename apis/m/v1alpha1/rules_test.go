package v1alpha1

import (
	"testing"

	"github.com/crossplane-multigres/crossplane-multigres/internal/schematest"
)

// An object is what a test changes: each change is made to a copy.
type object struct {
	t   *testing.T
	obj map[string]any
}

func (o object) with(value any, path ...any) object {
	return object{t: o.t, obj: schematest.With(o.t, o.obj, value, path...)}
}

func (o object) without(path ...any) object {
	return object{t: o.t, obj: schematest.Without(o.t, o.obj, path...)}
}

func created(o object) schematest.Change { return schematest.Change{New: o.obj} }

func updated(from, to object) schematest.Change {
	return schematest.Change{Old: from.obj, New: to.obj}
}

const (
	spec        = "spec"
	forProvider = "forProvider"
)

func TestRules(t *testing.T) {
	objs := valid(t)

	for plural, cases := range map[string]func(o object) map[string]schematest.RuleCase{
		"cellrecords":            cellRecordRules,
		"databaserecords":        databaseRecordRules,
		"shardrecords":           shardRecordRules,
		"volumeclaims":           volumeClaimRules,
		"passwords":              passwordRules,
		"tlscertificates":        tlsCertificateRules,
		"providerconfigs":        providerConfigRules,
		"clusterproviderconfigs": providerConfigRules,
		"providerconfigusages":   func(_ object) map[string]schematest.RuleCase { return nil },
	} {
		t.Run(plural, func(t *testing.T) {
			schematest.CheckRules(t, load(t, plural), cases(object{t: t, obj: objs[plural]}))
		})
	}
}

func cellRecordRules(o object) map[string]schematest.RuleCase {
	return map[string]schematest.RuleCase{
		"CellIsImmutable": {
			Reason:   "The cell is the record's key: another cell is another record, and this one would be left behind.",
			Path:     "spec.forProvider.cell",
			Message:  "cell is immutable: create another CellRecord",
			Accepted: updated(o, o.with("/elsewhere", spec, forProvider, "root")),
			Refused:  updated(o, o.with("zone-b", spec, forProvider, "cell")),
		},
	}
}

func databaseRecordRules(o object) map[string]schematest.RuleCase {
	location := func(v map[string]any) object { return o.with(v, spec, forProvider, "backupLocation") }

	return map[string]schematest.RuleCase{
		"DatabaseIsImmutable": {
			Reason:   "The database is the record's key: another database is another record, and this one would be left behind.",
			Path:     "spec.forProvider.database",
			Message:  "database is immutable: create another DatabaseRecord",
			Accepted: updated(o, o.with([]string{"zone-a"}, spec, forProvider, "cells")),
			Refused:  updated(o, o.with("orders", spec, forProvider, "database")),
		},
		"OneBackupLocation": {
			Reason:   "A record holds one location: of two, one would be ignored.",
			Path:     "spec.forProvider.backupLocation",
			Message:  "exactly one of filesystem and s3 must be set",
			Accepted: created(location(map[string]any{"filesystem": map[string]any{"path": "/backups"}})),
			Refused:  created(o.with(map[string]any{"path": "/backups"}, spec, forProvider, "backupLocation", "filesystem")),
		},
		"NoBackupLocation": {
			Reason:   "A database without a location never starts.",
			Path:     "spec.forProvider.backupLocation",
			Message:  "exactly one of filesystem and s3 must be set",
			Accepted: created(o),
			Refused:  created(location(map[string]any{})),
		},
		"AbsolutePath": {
			Reason:   "A relative path is another directory for every process.",
			Path:     "spec.forProvider.backupLocation",
			Message:  "filesystem.path must be an absolute path",
			Accepted: created(location(map[string]any{"filesystem": map[string]any{"path": "/backups"}})),
			Refused:  created(location(map[string]any{"filesystem": map[string]any{"path": "backups"}})),
		},
		"BucketAndRegion": {
			Reason:   "Without both of them no backup can be written.",
			Path:     "spec.forProvider.backupLocation",
			Message:  "s3.bucket and s3.region must not be empty",
			Accepted: created(o),
			Refused:  created(o.with("", spec, forProvider, "backupLocation", "s3", "region")),
		},
	}
}

func shardRecordRules(o object) map[string]schematest.RuleCase {
	scaled := o.without(spec, forProvider, "removed").with([]any{}, spec, forProvider, "poolers")
	removed := func(cell, serviceID string) object {
		return o.with(cell, spec, forProvider, "removed", 0, "cell").with(serviceID, spec, forProvider, "removed", 0, "serviceID")
	}

	return map[string]schematest.RuleCase{
		"DatabaseIsImmutable": {
			Reason:   "The shard's key is its identity: what belongs to the old key would be left behind.",
			Path:     "spec.forProvider.database",
			Message:  "database is immutable: create another ShardRecord",
			Accepted: updated(o, scaled),
			Refused:  updated(o, o.with("orders", spec, forProvider, "database")),
		},
		"TableGroupIsImmutable": {
			Reason:   "The shard's key is its identity: what belongs to the old key would be left behind.",
			Path:     "spec.forProvider.tableGroup",
			Message:  "tableGroup is immutable: create another ShardRecord",
			Accepted: updated(o, scaled),
			Refused:  updated(o, o.with("eu", spec, forProvider, "tableGroup")),
		},
		"ShardIsImmutable": {
			Reason:   "The shard's key is its identity: what belongs to the old key would be left behind.",
			Path:     "spec.forProvider.shard",
			Message:  "shard is immutable: create another ShardRecord",
			Accepted: updated(o, scaled),
			Refused:  updated(o, o.with("0-80", spec, forProvider, "shard")),
		},
		"BackupInterval": {
			Reason:   "Backups of a shard that follow each other without a pause keep a replica from everything else.",
			Path:     "spec.forProvider.backups.schedule",
			Message:  "an interval of backups must be at least 1m",
			Accepted: created(o.with("1m", spec, forProvider, "backups", "schedule", "incremental")),
			Refused:  created(o.with("59s", spec, forProvider, "backups", "schedule", "incremental")),
		},
		"ExpectedOrRemoved": {
			Reason:   "Whoever removes a pooler that is also expected takes a living member out of the shard.",
			Path:     "spec.forProvider",
			Message:  "a pooler cannot be both in poolers and in removed",
			Accepted: created(removed("zone-b", "p-1")),
			Refused:  created(removed("zone-b", "p-0")),
		},
	}
}

func volumeClaimRules(o object) map[string]schematest.RuleCase {
	sized := func(v any) object { return o.with(v, spec, forProvider, "size") }
	classless := o.without(spec, forProvider, "storageClassName")

	return map[string]schematest.RuleCase{
		"Grow": {
			Reason:   "A volume that shrinks loses data.",
			Path:     "spec.forProvider.size",
			Message:  "size cannot shrink",
			Accepted: updated(o, sized("11Gi")),
			Refused:  updated(o, sized("9Gi")),
		},
		"GrowInOtherUnits": {
			Reason:   "Sizes are compared as quantities, however they are written, and a number is bytes.",
			Path:     "spec.forProvider.size",
			Message:  "size cannot shrink",
			Accepted: updated(sized("1024"), sized("1Ki")),
			Refused:  updated(sized("1Ki"), sized(1023)),
		},
		"MoreThanZero": {
			Reason:   "There is no volume of no size.",
			Path:     "spec.forProvider.size",
			Message:  "size must be more than zero",
			Accepted: created(sized(1)),
			Refused:  created(sized("0")),
		},
		"AccessModesAreImmutable": {
			Reason:   "Kubernetes never changes the modes of a claim.",
			Path:     "spec.forProvider.accessModes",
			Message:  "accessModes are immutable: create another VolumeClaim",
			Accepted: updated(o, o.without(spec, forProvider, "accessModes")),
			Refused:  updated(o, o.with([]string{"ReadWriteMany"}, spec, forProvider, "accessModes")),
		},
		"ClassIsImmutable": {
			Reason:   "Kubernetes never changes the class of a claim.",
			Path:     "spec.forProvider",
			Message:  "storageClassName is immutable: create another VolumeClaim",
			Accepted: updated(o, sized("11Gi")),
			Refused:  updated(o, o.with("slow", spec, forProvider, "storageClassName")),
		},
		"ClassStaysDefault": {
			Reason:   "A class that appears later is not the one that the claim was made with.",
			Path:     "spec.forProvider",
			Message:  "storageClassName is immutable: create another VolumeClaim",
			Accepted: updated(classless, classless.with("11Gi", spec, forProvider, "size")),
			Refused:  updated(classless, o),
		},
		"ClassStaysNamed": {
			Reason:   "A class that disappears is still the one that the claim was made with.",
			Path:     "spec.forProvider",
			Message:  "storageClassName is immutable: create another VolumeClaim",
			Accepted: created(o.with("", spec, forProvider, "storageClassName")),
			Refused:  updated(o, classless),
		},
	}
}

func passwordRules(o object) map[string]schematest.RuleCase {
	rotated := o.with("2026-01-01", spec, forProvider, "rotation")

	return map[string]schematest.RuleCase{
		"SecretIsImmutable": {
			Reason:   "The password in another Secret would be another password, and this one would be left behind.",
			Path:     "spec.forProvider.secretName",
			Message:  "secretName is immutable: create another Password",
			Accepted: updated(o, rotated),
			Refused:  updated(o, o.with("other", spec, forProvider, "secretName")),
		},
		"KeyIsImmutable": {
			Reason:   "The password under another key would be another password, and this one would be left behind.",
			Path:     "spec.forProvider.key",
			Message:  "key is immutable: create another Password",
			Accepted: updated(o, o.with("password", spec, forProvider, "key")),
			Refused:  updated(o, o.with("other", spec, forProvider, "key")),
		},
	}
}

func tlsCertificateRules(o object) map[string]schematest.RuleCase {
	issued := o.without(spec, forProvider, "caSecretName").with(map[string]any{"name": "corporate"}, spec, forProvider, "issuerRef")
	anonymous := o.without(spec, forProvider, "commonName")

	return map[string]schematest.RuleCase{
		"SecretIsImmutable": {
			Reason:   "A Secret with a private key that nobody renews would be left behind.",
			Path:     "spec.forProvider.secretName",
			Message:  "secretName is immutable: create another TLSCertificate",
			Accepted: updated(o, o.with("other", spec, forProvider, "commonName")),
			Refused:  updated(o, o.with("other", spec, forProvider, "secretName")),
		},
		"AuthorityIsImmutable": {
			Reason:   "Another authority is trusted by nobody who trusts this one, from one moment to the next.",
			Path:     "spec.forProvider",
			Message:  "caSecretName is immutable: create another TLSCertificate",
			Accepted: updated(o, o.with("other", spec, forProvider, "commonName")),
			Refused:  updated(o, o.with("other", spec, forProvider, "caSecretName")),
		},
		"AuthorityStays": {
			Reason:   "An issuer in place of our own authority is another authority.",
			Path:     "spec.forProvider",
			Message:  "caSecretName is immutable: create another TLSCertificate",
			Accepted: updated(issued, issued.with("other", spec, forProvider, "commonName")),
			Refused:  updated(o, issued),
		},
		"OneSigner": {
			Reason:   "A certificate is signed by one authority.",
			Path:     "spec.forProvider",
			Message:  "exactly one of caSecretName and issuerRef must be set",
			Accepted: created(issued),
			Refused:  created(issued.with("ca", spec, forProvider, "caSecretName")),
		},
		"NoSigner": {
			Reason:   "A certificate that nobody signs proves nothing.",
			Path:     "spec.forProvider",
			Message:  "exactly one of caSecretName and issuerRef must be set",
			Accepted: created(o),
			Refused:  created(o.without(spec, forProvider, "caSecretName")),
		},
		"OwnSecrets": {
			Reason:   "The authority's key must not be where the certificate's key is: who serves with one would sign with the other.",
			Path:     "spec.forProvider",
			Message:  "caSecretName and secretName must differ",
			Accepted: created(o),
			Refused:  created(o.with("cert", spec, forProvider, "caSecretName")),
		},
		"SomeName": {
			Reason:   "A certificate for no name proves nothing.",
			Path:     "spec.forProvider",
			Message:  "commonName or a dnsName must be set",
			Accepted: created(anonymous),
			Refused:  created(anonymous.with([]any{}, spec, forProvider, "dnsNames")),
		},
		"LongEnough": {
			Reason:   "A shorter certificate is replaced faster than pods notice.",
			Path:     "spec.forProvider",
			Message:  "duration must be at least 1h",
			Accepted: created(o.with("1h", spec, forProvider, "duration").with("10m", spec, forProvider, "renewBefore")),
			Refused:  created(o.with("59m", spec, forProvider, "duration").with("10m", spec, forProvider, "renewBefore")),
		},
		"RenewedLater": {
			Reason:   "A certificate that is due when it is made is replaced for ever.",
			Path:     "spec.forProvider",
			Message:  "renewBefore must be more than zero and less than duration",
			Accepted: created(o.with("721h", spec, forProvider, "duration")),
			Refused:  created(o.with("720h", spec, forProvider, "duration")),
		},
		"RenewedInTime": {
			Reason:   "A certificate that is replaced when it ends is replaced too late.",
			Path:     "spec.forProvider",
			Message:  "renewBefore must be more than zero and less than duration",
			Accepted: created(o.with("1s", spec, forProvider, "renewBefore")),
			Refused:  created(o.with("0s", spec, forProvider, "renewBefore")),
		},
		"AuthorityOutlasts": {
			Reason:   "A certificate is worth nothing once its authority has ended.",
			Path:     "spec.forProvider",
			Message:  "caDuration must be more than duration",
			Accepted: created(issued.with("2160h", spec, forProvider, "caDuration")),
			Refused:  created(o.with("2160h", spec, forProvider, "caDuration")),
		},
	}
}

func providerConfigRules(o object) map[string]schematest.RuleCase {
	plain := o.without(spec, "tls").with([]string{"http://etcd:2379"}, spec, "endpoints")

	return map[string]schematest.RuleCase{
		"NoPlainText": {
			Reason:   "Who asks for TLS must not be given plain text.",
			Path:     "spec",
			Message:  "no endpoint may start with http:// if tls is set",
			Accepted: created(plain),
			Refused:  created(plain.with(map[string]any{}, spec, "tls")),
		},
		"SecretSource": {
			Reason:   "A source without what it needs would connect as nobody.",
			Path:     "spec.credentials",
			Message:  "secretRef must be set if source is Secret, and only then",
			Accepted: created(o.with(map[string]any{"source": "None"}, spec, "credentials")),
			Refused:  created(o.with(map[string]any{"source": "Secret"}, spec, "credentials")),
		},
		"NoSource": {
			Reason:   "A Secret that is named and not used hides that nobody logs in.",
			Path:     "spec.credentials",
			Message:  "secretRef must be set if source is Secret, and only then",
			Accepted: created(o),
			Refused:  created(o.with("None", spec, "credentials", "source")),
		},
	}
}
