package shard

import (
	"regexp"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// hashOf returns the hash of the pods of a pool in a cell.
func hashOf(t *testing.T, xr string, required map[string][]object.Object) string {
	t.Helper()
	_, ps := pods(t, xr, required)
	p, ok := ps[naming.KeyPod("main", "z1", 0)]
	if !ok {
		t.Fatal("want a pod")
	}
	return p.Annotation(naming.AnnotationSpecHash)
}

// TestHash holds which changes of a specification need new pods.
func TestHash(t *testing.T) {
	base := hashOf(t, minimal, nil)
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(base) {
		t.Errorf("want 16 hexadecimal digits, got %q", base)
	}
	pool := "      type: readWrite\n"
	cases := map[string]struct {
		old, with string
		same      bool
	}{
		"Image":                {old: "postgres: pgctld:v0.1.0", with: "postgres: pgctld:v0.1.1"},
		"PullPolicy":           {old: "imagePullPolicy: IfNotPresent", with: "imagePullPolicy: Always"},
		"PullSecret":           {old: "imagePullPolicy: IfNotPresent", with: "imagePullPolicy: IfNotPresent, imagePullSecrets: [{name: x}]"},
		"Topology":             {old: "rootPath: /multigres/global", with: "rootPath: /multigres/other"},
		"TopologyTLS":          {old: "implementation: etcd", with: "implementation: etcd, caSecret: ca"},
		"Resources":            {old: "limits: {memory: 512Mi}", with: "limits: {memory: 513Mi}"},
		"PoolerResources":      {old: "limits: {memory: 256Mi}", with: "limits: {memory: 257Mi}"},
		"NodeSelector":         {old: "topology.kubernetes.io/zone: a", with: "topology.kubernetes.io/zone: b"},
		"Password":             {old: "key: password", with: "key: pw"},
		"BackupPath":           {old: "path: /backups", with: "path: /repo"},
		"LogLevel":             {old: "  durabilityPolicy", with: "  logLevels: {pgctld: debug}\n  durabilityPolicy"},
		"Superuser":            {old: "  durabilityPolicy", with: "  postgresSuperuser: admin\n  durabilityPolicy"},
		"RestartSetting":       {old: "  durabilityPolicy", with: "  postgresConfig: {max_connections: \"90\"}\n  durabilityPolicy"},
		"InternalTLS":          {old: "  durabilityPolicy", with: "  internalTLS: {enabled: true}\n  durabilityPolicy"},
		"Toleration":           {old: pool, with: pool + "      tolerations: [{key: x, operator: Exists}]\n"},
		"Affinity":             {old: pool, with: pool + "      affinity: {nodeAffinity: {}}\n"},
		"Spread":               {old: pool, with: pool + "      topologySpreadConstraints: [{maxSkew: 2, topologyKey: r, whenUnsatisfiable: ScheduleAnyway}]\n"},
		"Priority":             {old: pool, with: pool + "      priorityClassName: high\n"},
		"FSGroup":              {old: pool, with: pool + "      fsGroup: 7\n"},
		"ReloadSetting":        {old: "  durabilityPolicy", with: "  postgresConfig: {work_mem: 3MB}\n  durabilityPolicy", same: true},
		"PodLabel":             {old: pool, with: pool + "      podLabels: {team: x}\n", same: true},
		"PodAnnotation":        {old: pool, with: pool + "      podAnnotations: {note: x}\n", same: true},
		"Replicas":             {old: "replicasPerCell: 3", with: "replicasPerCell: 4", same: true},
		"AnotherPool":          {old: "  pools:\n", with: "  pools:\n    side: {cells: [z1], storage: {size: 1Gi}, replicasPerCell: 1, postgres: {resources: {limits: {memory: 512Mi}}}}\n", same: true},
		"AnotherCell":          {old: "cells: [z1]", with: "cells: [z1, z2]", same: true},
		"RetentionPolicy":      {old: pool, with: pool + "      pvcDeletionPolicy: {whenDeleted: Delete}\n", same: true},
		"Durability":           {old: "durabilityPolicy: AT_LEAST_2", with: "durabilityPolicy: \"\"", same: true},
		"BackupSize":           {old: "storage: {size: 10Gi}", with: "storage: {size: 11Gi}", same: true},
		"BackupSchedule":       {old: "storage: {size: 10Gi}}", with: "storage: {size: 10Gi}}, schedule: {full: 24h, incremental: 1h}", same: true},
		"BackupRetention":      {old: "storage: {size: 10Gi}}", with: "storage: {size: 10Gi}}, retention: {full: 2}", same: true},
		"OrchestratorReplicas": {old: "multiorch: {replicas: 1", with: "multiorch: {replicas: 3", same: true},
		"OrchestratorImage":    {old: "multiorch: multigres:v0.1.0", with: "multiorch: multigres:v9", same: true},
		"ProviderConfig":       {old: "  durabilityPolicy", with: "  providerConfigRef: {kind: ProviderConfig, name: x}\n  durabilityPolicy", same: true},
		"Issuer":               {old: "  durabilityPolicy", with: "  certificateIssuerRef: {name: x}\n  durabilityPolicy", same: true},
		"OrderOfFields":        {old: "limits: {memory: 512Mi}", with: "limits: {\"memory\": \"512Mi\"}", same: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := hashOf(t, change(t, minimal, tc.old, tc.with), answers(t))
			if (got == base) != tc.same {
				t.Errorf("want the same hash: %v; before %s, after %s", tc.same, base, got)
			}
		})
	}
}

// TestSpecHash holds properties of the hash that no specification shows.
func TestSpecHash(t *testing.T) {
	sum := func(p corev1.Pod) string {
		t.Helper()
		h, err := specHash(&p, object.NewEncoder())
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	with := func(c corev1.Container) corev1.Pod {
		return corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{c}}}
	}
	base := with(corev1.Container{Name: "a", Args: []string{"b", "c"}})
	cases := map[string]struct {
		reason string
		pod    corev1.Pod
		same   bool
	}{
		"Same":       {reason: "It depends on the pod only.", pod: with(corev1.Container{Name: "a", Args: []string{"b", "c"}}), same: true},
		"Separated":  {reason: "Neighbours do not run together.", pod: with(corev1.Container{Name: "a", Args: []string{"bc"}})},
		"Moved":      {reason: "The same text elsewhere is another pod.", pod: with(corev1.Container{Name: "a", Command: []string{"b", "c"}})},
		"Order":      {reason: "Lists have an order.", pod: with(corev1.Container{Name: "a", Args: []string{"c", "b"}})},
		"Empty":      {reason: "What is not set is not part of it.", pod: with(corev1.Container{Name: "a", Args: []string{"b", "c"}, Env: []corev1.EnvVar{}}), same: true},
		"Probe":      {reason: "Probes cannot change in place.", pod: with(corev1.Container{Name: "a", Args: []string{"b", "c"}, LivenessProbe: &corev1.Probe{PeriodSeconds: 1}})},
		"Port":       {reason: "Ports cannot change in place.", pod: with(corev1.Container{Name: "a", Args: []string{"b", "c"}, Ports: []corev1.ContainerPort{{ContainerPort: 1}}})},
		"SetToFalse": {reason: "What is set to nothing is set.", pod: with(corev1.Container{Name: "a", Args: []string{"b", "c"}, SecurityContext: &corev1.SecurityContext{Privileged: ptr.To(false)}})},
		"Annotation": {reason: "Annotations change in place.", pod: corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{naming.AnnotationPostgresConfigHash: "x"}}, Spec: base.Spec}, same: true},
		"Label":      {reason: "Labels change in place.", pod: corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}, Spec: base.Spec}, same: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := sum(tc.pod) == sum(base); got != tc.same {
				t.Errorf("\n%s\nsame hash: want %v, got %v", tc.reason, tc.same, got)
			}
		})
	}
}
