package shard

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// problems returns the fields that Compose has something against, in the order of the problems.
func problems(t *testing.T, in compose.Input) []string {
	t.Helper()
	_, err := Compose(in)
	if err == nil {
		return nil
	}
	var invalid *compose.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("want an InvalidError, got %v", err)
	}
	var fields []string
	for _, p := range invalid.Problems {
		f, _, _ := strings.Cut(p, ": ")
		fields = append(fields, f)
	}
	return fields
}

// TestValidate holds what is refused, by the path of its field.
func TestValidate(t *testing.T) {
	filesystem := "backup: {type: filesystem, filesystem: {path: /backups, storage: {size: 10Gi}}}"
	pool := "      type: readWrite\n"
	anyField := "  durabilityPolicy: AT_LEAST_2\n"
	cases := map[string]struct {
		old, with string
		want      []string
	}{
		"Valid":             {old: pool, with: pool},
		"NoNamespace":       {old: "namespace: app, ", with: "", want: []string{"metadata.namespace"}},
		"NoDatabase":        {old: "databaseName: postgres", with: "databaseName: \"\"", want: []string{"spec.databaseName"}},
		"BadTableGroup":     {old: "tableGroupName: default", with: "tableGroupName: a_b", want: []string{"spec.tableGroupName"}},
		"LongShard":         {old: "shardName: 0-inf", with: "shardName: " + strings.Repeat("a", 26), want: []string{"spec.shardName"}},
		"NoImages":          {old: "postgres: pgctld:v0.1.0, multipooler: multigres:v0.1.0, multiorch: multigres:v0.1.0, ", with: "", want: []string{"spec.images.multiorch", "spec.images.multipooler", "spec.images.postgres"}},
		"NoTopology":        {old: "address: \"orders-global-topo.app.svc:2379\", rootPath: /multigres/global, ", with: "", want: []string{"spec.globalTopoServer.address", "spec.globalTopoServer.rootPath"}},
		"NoPassword":        {old: "{name: orders-postgres-password, key: password}", with: "{}", want: []string{"spec.postgresPasswordSecretRef.key", "spec.postgresPasswordSecretRef.name"}},
		"NoPools":           {old: "  pools:\n    main:", with: "  pools: {}\n  other:\n    main:", want: []string{"spec.pools"}},
		"PoolName":          {old: "    main:\n", with: "    Main_1:\n", want: []string{"spec.pools[Main_1]"}},
		"PoolType":          {old: pool, with: "      type: readOnly\n", want: []string{"spec.pools[main].type"}},
		"NoCells":           {old: "cells: [z1]", with: "cells: []", want: []string{"spec.pools[main].cells"}},
		"CellName":          {old: "cells: [z1]", with: "cells: [z_1]", want: []string{"spec.pools[main].cells[0]"}},
		"CellTooLong":       {old: "cells: [z1]", with: "cells: [" + strings.Repeat("z", 31) + "]", want: []string{"spec.pools[main].cells[0]"}},
		"CellTwice":         {old: "cells: [z1]", with: "cells: [z1, z1]", want: []string{"spec.pools[main].cells[1]"}},
		"TooManyCells":      {old: "cells: [z1]", with: "cells: [a, b, c, d, e, f, g, h, i, j, k]", want: []string{"spec.pools[main].cells"}},
		"NoReplicas":        {old: "replicasPerCell: 3", with: "replicasPerCell: 0", want: []string{"spec.pools[main].replicasPerCell"}},
		"TooManyReplicas":   {old: "replicasPerCell: 3", with: "replicasPerCell: 33", want: []string{"spec.pools[main].replicasPerCell"}},
		"TooManyInstances":  {old: "cells: [z1]\n      replicasPerCell: 3", with: "cells: [a, b, c, d]\n      replicasPerCell: 26", want: []string{"spec.pools"}},
		"OneInstance":       {old: "replicasPerCell: 3", with: "replicasPerCell: 1", want: []string{"spec.pools"}},
		"MultiCell":         {old: "AT_LEAST_2", with: "MULTI_CELL_AT_LEAST_2", want: []string{"spec.durabilityPolicy"}},
		"UnknownDurability": {old: "AT_LEAST_2", with: "AT_LEAST_9", want: []string{"spec.durabilityPolicy"}},
		"Size":              {old: "storage: {size: 1Gi}", with: "storage: {size: 10Foo}", want: []string{"spec.pools[main].storage.size"}},
		"NegativeSize":      {old: "storage: {size: 1Gi}", with: "storage: {size: \"-1Gi\"}", want: []string{"spec.pools[main].storage.size"}},
		"AccessMode":        {old: "storage: {size: 1Gi}", with: "storage: {accessModes: [Any, ReadWriteOnce, ReadWriteOnce]}", want: []string{"spec.pools[main].storage.accessModes[0]", "spec.pools[main].storage.accessModes[2]"}},
		"Resources":         {old: "limits: {memory: 512Mi}", with: "limits: {memory: 12Mi}", want: []string{"spec.pools[main].postgres.resources.requests[memory]"}},
		"Quantity":          {old: "limits: {memory: 512Mi}", with: "limits: {memory: much}", want: []string{"spec.pools[main].postgres.resources.limits[memory]"}},
		"Root":              {old: "limits: {memory: 512Mi}}", with: "limits: {memory: 512Mi}}, runAsUser: 0", want: []string{"spec.pools[main].postgres.runAsUser"}},
		"OtherUser":         {old: "limits: {memory: 256Mi}}", with: "limits: {memory: 256Mi}}, runAsUser: 65532", want: []string{"spec.pools[main].multipooler.runAsUser"}},
		"FSGroup":           {old: pool, with: pool + "      fsGroup: 0\n", want: []string{"spec.pools[main].fsGroup"}},
		"PodLabel":          {old: pool, with: pool + "      podLabels: {\"a b\": c}\n", want: []string{"spec.pools[main].podLabels[a b]"}},
		"PodAnnotation":     {old: pool, with: pool + "      podAnnotations: {\"a b\": c}\n", want: []string{"spec.pools[main].podAnnotations"}},
		"Policy":            {old: pool, with: pool + "      pvcDeletionPolicy: {whenDeleted: Maybe, whenScaled: Never}\n", want: []string{"spec.pools[main].pvcDeletionPolicy.whenDeleted", "spec.pools[main].pvcDeletionPolicy.whenScaled"}},
		"OrchReplicas":      {old: "multiorch: {replicas: 1", with: "multiorch: {replicas: 129", want: []string{"spec.multiorch.replicas"}},
		"OrchCell":          {old: "multiorch: {replicas: 1", with: "multiorch: {cells: [a b], replicas: 1", want: []string{"spec.multiorch.cells[0]"}},
		"UnknownSetting":    {old: anyField, with: anyField + "  postgresConfig: {nosuch: \"1\", port: \"1\"}\n", want: []string{"spec.postgresConfig[nosuch]", "spec.postgresConfig[port]"}},
		"Encryption":        {old: "backup: {type", with: "backup: {encryption: {secretName: keys}, type", want: []string{"spec.backup.encryption"}},
		"BackupType":        {old: "backup: {type: filesystem", with: "backup: {type: tape", want: []string{"spec.backup.type"}},
		"BackupPath":        {old: "path: /backups", with: "path: backups", want: []string{"spec.backup.filesystem.path"}},
		"BackupDots":        {old: "path: /backups", with: "path: /a/../etc", want: []string{"spec.backup.filesystem.path"}},
		"BackupOverData":    {old: "path: /backups", with: "path: /var", want: []string{"spec.backup.filesystem.path"}},
		"BackupInData":      {old: "path: /backups", with: "path: /var/lib/pooler/backups", want: []string{"spec.backup.filesystem.path"}},
		"BackupRoot":        {old: "path: /backups", with: "path: /", want: []string{"spec.backup.filesystem.path"}},
		"BackupSize":        {old: "storage: {size: 10Gi}", with: "storage: {size: 0Gi}", want: []string{"spec.backup.filesystem.storage.size"}},
		"NoBucket":          {old: filesystem, with: "backup: {type: s3, s3: {}}", want: []string{"spec.backup.s3.bucket", "spec.backup.s3.region"}},
		"NoS3":              {old: filesystem, with: "backup: {type: s3}", want: []string{"spec.backup.s3"}},
		"TwoIdentities":     {old: filesystem, with: "backup: {type: s3, s3: {bucket: b, region: r, serviceAccountName: a, credentialsSecret: c}}", want: []string{"spec.backup.s3.serviceAccountName"}},
		"WrongTypes":        {old: "replicasPerCell: 3", with: "replicasPerCell: three\n      cells: z1", want: []string{"spec.pools[main].cells", "spec.pools[main].replicasPerCell"}},
		"All": {old: "cells: [z1]\n      replicasPerCell: 3", with: "cells: [Z]\n      replicasPerCell: 99\n      fsGroup: 0", want: []string{
			"spec.pools[main].cells[0]", "spec.pools[main].fsGroup", "spec.pools[main].replicasPerCell",
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			xr := change(t, minimal, tc.old, tc.with)
			// Of a key that comes twice the last one counts, as with the API server.
			xr = strings.Replace(xr, "      cells: [z1]\n      replicasPerCell: three\n      cells: z1\n", "      cells: z1\n      replicasPerCell: three\n", 1)
			if diff := cmp.Diff(tc.want, problems(t, compose.Input{XR: composetest.Object(t, xr), Now: now})); diff != "" {
				t.Errorf("-want, +got:\n%s", diff)
			}
		})
	}
}

// TestValidateVolumes holds what cannot be done to volumes that exist.
func TestValidateVolumes(t *testing.T) {
	classy := change(t, minimal, "storage: {size: 1Gi}", "storage: {size: 1Gi, class: fast}")
	cases := map[string]struct {
		reason    string
		before    string
		old, with string
		want      []string
	}{
		"Grows":        {reason: "Volumes grow.", before: minimal, old: "storage: {size: 1Gi}", with: "storage: {size: 2Gi}"},
		"Shrinks":      {reason: "Volumes never shrink; all members of a pool are one problem.", before: minimal, old: "storage: {size: 1Gi}", with: "storage: {size: 500Mi}", want: []string{"spec.pools[main].storage.size"}},
		"BackupShrink": {reason: "Backups have a volume, too.", before: minimal, old: "storage: {size: 10Gi}", with: "storage: {size: 9Gi}", want: []string{"spec.backup.filesystem.storage.size"}},
		"Class":        {reason: "A volume cannot move to another class.", before: classy, old: "class: fast", with: "class: slow", want: []string{"spec.pools[main].storage.class"}},
		"AnyClass":     {reason: "Without a class any will do.", before: classy, old: ", class: fast", with: ""},
		"Modes":        {reason: "Access modes are for good.", before: minimal, old: "storage: {size: 1Gi}", with: "storage: {size: 1Gi, accessModes: [ReadWriteMany]}", want: []string{"spec.pools[main].storage.accessModes"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.before, nil)
			w.settle()
			w.set(change(t, tc.before, tc.old, tc.with))
			if diff := cmp.Diff(tc.want, problems(t, w.in)); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestRetiringCounts holds that what retires counts among the instances that a shard can have.
func TestRetiringCounts(t *testing.T) {
	w := newWorld(t, change(t, minimal, "cells: [z1]\n      replicasPerCell: 3", "cells: [a, b, c]\n      replicasPerCell: 20"), nil)
	w.settle()
	w.set(change(t, minimal, "cells: [z1]\n      replicasPerCell: 3", "cells: [c, d, e]\n      replicasPerCell: 30"))
	if diff := cmp.Diff([]string{"spec.pools"}, problems(t, w.in)); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

// TestHostile holds that input which no schema let through is refused in a line, or works.
func TestHostile(t *testing.T) {
	many := &strings.Builder{}
	for i := range 1000 {
		fmt.Fprintf(many, "    p%d: {cells: [z1], replicasPerCell: 1}\n", i)
	}
	huge := strings.Repeat("x", 10000)
	cases := map[string]struct {
		xr   string
		want bool
	}{
		"Empty":       {xr: "kind: Shard"},
		"NoSpec":      {xr: "{kind: Shard, metadata: {name: x, namespace: y}, spec: }"},
		"WrongSpec":   {xr: "{kind: Shard, metadata: {name: x, namespace: y}, spec: [1]}"},
		"NullPools":   {xr: strings.Split(minimal, "  pools:")[0] + "  pools: {main: null}\n"},
		"Pools":       {xr: strings.Split(minimal, "    main:")[0] + many.String()},
		"PoolName":    {xr: strings.Replace(minimal, "    main:", "    "+huge[:1000]+":", 1)},
		"Cell":        {xr: strings.Replace(minimal, "cells: [z1]", "cells: ["+huge+"]", 1)},
		"Size":        {xr: strings.Replace(minimal, "{size: 1Gi}", "{size: "+huge+"}", 1)},
		"Unicode":     {xr: strings.Replace(minimal, "    main:", "    \"\u00fc\u202e\":", 1)},
		"HugeSize":    {xr: strings.Replace(minimal, "{size: 1Gi}", "{size: 9999999999999999999E}", 1), want: true},
		"HugeMemory":  {xr: strings.Replace(minimal, "limits: {memory: 512Mi}", "limits: {memory: 99999999999999999999999E}", 1), want: true},
		"NoMemory":    {xr: strings.Replace(minimal, "{requests: {cpu: 100m, memory: 256Mi}, limits: {memory: 512Mi}}", "{limits: {memory: \"0\"}}", 1), want: true},
		"ClusterName": {xr: strings.Replace(minimal, "clusterName: orders", "clusterName: \""+huge+"\u00fc\"", 1), want: true},
		"NoCluster":   {xr: strings.Replace(minimal, "clusterName: orders", "", 1), want: true},
		"Status":      {xr: minimal + "status: {phase: [1], leader: 5, podRoles: x}\n", want: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := Compose(compose.Input{XR: composetest.Object(t, tc.xr), Now: now})
			if (err == nil) != tc.want {
				t.Fatalf("want it accepted: %v, got error %v", tc.want, err)
			}
			if err != nil && (len(err.Error()) > 2000 || strings.Contains(err.Error(), "\n")) {
				t.Errorf("want a short line, got %d bytes: %.200s", len(err.Error()), err.Error())
			}
			for key := range out.Resources {
				if n := composetest.Get(t, out, key).Name(); n == "" || len(n) > 253 {
					t.Errorf("%s: name %q", key, n)
				}
			}
		})
	}
}

// TestForeign holds that whatever sits where a pod is wanted stays, and that pods which nobody composed retire.
func TestForeign(t *testing.T) {
	w := newWorld(t, minimal, nil)
	w.settle()
	for key, y := range map[string]string{
		naming.KeyPod("main", "z1", 0): `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: nonsense, nodeName: 5}, status: [x]}`,
		naming.KeyPod("main", "z1", 1): `{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}`,
		"unknown":                      `{apiVersion: v1, kind: Pod, metadata: {name: c, labels: 5}}`,
		"empty":                        `{}`,
	} {
		w.in.Observed[key] = composetest.Object(t, y)
	}
	out := w.compose()
	for _, key := range []string{naming.KeyPod("main", "z1", 0), naming.KeyPod("main", "z1", 1), "unknown"} {
		if !out.Resources[key].Kept.Exists() {
			t.Errorf("%s: want it kept", key)
		}
	}
	if st := statusOf(t, out); len(st.Retiring) != 1 || st.Retiring[0].Name != "Pod c" {
		t.Errorf("retiring: want the pod c, got %v", st.Retiring)
	}
}
