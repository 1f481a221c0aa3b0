package shard

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// pod is one whole pool pod, written by hand from what the Multigres v0.1.0 binaries need.
const pod = `
apiVersion: v1
kind: Pod
metadata:
  name: orders-postgres-default-0-inf-pool-main-z1-48700c48-1
  labels:
    app.kubernetes.io/name: multigres
    app.kubernetes.io/instance: orders
    app.kubernetes.io/component: shard-pool
    app.kubernetes.io/part-of: multigres
    app.kubernetes.io/managed-by: crossplane-multigres
    multigres.com/cluster: orders
    multigres.com/database: postgres
    multigres.com/tablegroup: default
    multigres.com/shard: 0-inf
    multigres.com/pool: main
    multigres.com/cell: z1
  annotations:
    multigres.com/project-ref: orders
    multigres.com/spec-hash: HASH
    multigres.com/postgres-config-hash: RESTART
    multigres.com/postgres-reload-hash: RELOAD
    prometheus.io/scrape: "true"
    prometheus.io/port: "9187"
    prometheus.io/path: /metrics
spec:
  hostname: orders-postgres-default-0-inf-pool-main-z1-48700c48-1
  subdomain: orders-postgres-default-0-inf-pool-main-z1-headless-aab8f2f9
  terminationGracePeriodSeconds: 90
  automountServiceAccountToken: false
  enableServiceLinks: false
  nodeSelector: {topology.kubernetes.io/zone: a}
  securityContext:
    runAsNonRoot: true
    runAsUser: 999
    runAsGroup: 999
    fsGroup: 999
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector: {matchLabels: &peers {app.kubernetes.io/component: shard-pool, app.kubernetes.io/instance: orders, multigres.com/cluster: orders, multigres.com/database: postgres, multigres.com/tablegroup: default, multigres.com/shard: 0-inf}}
  topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: *peers}}
  initContainers:
  - name: postgres
    image: pgctld:v0.1.0
    imagePullPolicy: IfNotPresent
    restartPolicy: Always
    command:
    - /bin/sh
    - -c
    - |
      trap 'stop=1; kill -TERM "$child" 2>/dev/null' TERM INT
      /usr/local/bin/pgctld "$@" & child=$!
      [ -z "$stop" ] || kill -TERM "$child"
      wait "$child"; code=$?
      while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
      exit "$code"
    - pgctld
    args:
    - server
    - --pooler-dir=/var/lib/pooler
    - --grpc-port=15470
    - --http-port=15400
    - --grpc-socket-file=/var/lib/pooler/pgctld.sock
    - --pg-port=5432
    - --pg-listen-addresses=*
    - --pg-hba-template=/etc/pgctld/pg_hba_template.conf
    - --pgbackrest-cert-dir=/certs/pgbackrest
    - --pgbackrest-port=8432
    - --log-level=info
    env:
    - {name: PGDATA, value: /var/lib/pooler/pg_data}
    - {name: POSTGRES_USER, value: postgres}
    - {name: POSTGRES_PASSWORD_FILE, value: /etc/postgres-password/password}
    - {name: POSTGRES_INITDB_EXTRA_CONF, value: /etc/postgres-config/initdb.conf}
    - {name: RESTART_HASH, value: 1092f27992feb377}
    ports:
    - {name: postgres, containerPort: 5432, protocol: TCP}
    - {name: pgbackrest, containerPort: 8432, protocol: TCP}
    - {name: pgctld-http, containerPort: 15400, protocol: TCP}
    - {name: pgctld-grpc, containerPort: 15470, protocol: TCP}
    resources: {requests: {cpu: 100m, memory: 256Mi}, limits: {memory: 512Mi}}
    startupProbe: {httpGet: {path: /live, port: 15400}, periodSeconds: 5, failureThreshold: 30, timeoutSeconds: 10}
    livenessProbe: {httpGet: {path: /live, port: 15400}, periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 6}
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    volumeMounts:
    - {name: pgdata, mountPath: /var/lib/pooler}
    - {name: shared-memory, mountPath: /dev/shm}
    - {name: backup-data, mountPath: /backups}
    - {name: pg-hba-template, mountPath: /etc/pgctld, readOnly: true}
    - {name: postgres-config, mountPath: /etc/postgres-config, readOnly: true}
    - {name: postgres-password, mountPath: /etc/postgres-password, readOnly: true}
    - {name: pgbackrest-certs, mountPath: /certs/pgbackrest, readOnly: true}
  containers:
  - name: multipooler
    image: multigres:v0.1.0
    imagePullPolicy: IfNotPresent
    args:
    - multipooler
    - --http-port=15200
    - --grpc-port=15270
    - --pooler-dir=/var/lib/pooler
    - --socket-file=/var/lib/pooler/pg_sockets/.s.PGSQL.5432
    - --pg-port=5432
    - --pgctld-addr=localhost:15470
    - --service-map=grpc-pooler
    - --topo-global-server-addresses=orders-global-topo.app.svc:2379
    - --topo-global-root=/multigres/global
    - --database=postgres
    - --table-group=default
    - --shard=0-inf
    - --connpool-global-capacity=40
    - --connpool-admin-capacity=5
    - --pgbackrest-cert-file=/certs/pgbackrest/pgbackrest.crt
    - --pgbackrest-key-file=/certs/pgbackrest/pgbackrest.key
    - --pgbackrest-ca-file=/certs/pgbackrest/ca.crt
    - --pgbackrest-port=8432
    - --log-level=info
    - --cell=z1
    - --service-id=p-ec43abb5
    - --hostname=orders-postgres-default-0-inf-pool-main-z1-48700c48-1.orders-postgres-default-0-inf-pool-main-z1-headless-aab8f2f9.app.svc
    env:
    - {name: PGDATA, value: /var/lib/pooler/pg_data}
    - {name: POSTGRES_USER, value: postgres}
    - {name: POSTGRES_PASSWORD_FILE, value: /etc/postgres-password/password}
    ports:
    - {name: http, containerPort: 15200, protocol: TCP}
    - {name: grpc, containerPort: 15270, protocol: TCP}
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
    startupProbe: {httpGet: {path: /live, port: 15200}, periodSeconds: 5, failureThreshold: 30, timeoutSeconds: 10}
    livenessProbe: {httpGet: {path: /live, port: 15200}, periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 6}
    readinessProbe: {httpGet: {path: /ready, port: 15400}, periodSeconds: 5, timeoutSeconds: 5}
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    volumeMounts:
    - {name: pgdata, mountPath: /var/lib/pooler}
    - {name: backup-data, mountPath: /backups}
    - {name: postgres-password, mountPath: /etc/postgres-password, readOnly: true}
    - {name: pgbackrest-certs, mountPath: /certs/pgbackrest, readOnly: true}
  - name: postgres-exporter
    image: exporter:v0.20.1
    imagePullPolicy: IfNotPresent
    args: ["--web.listen-address=:9187", --extend.query-path=/etc/postgres-exporter/queries.yml]
    env:
    - {name: DATA_SOURCE_URI, value: "localhost:5432/postgres?sslmode=disable&connect_timeout=5&options=-c%20statement_timeout%3D8s"}
    - {name: DATA_SOURCE_USER, value: postgres}
    - {name: DATA_SOURCE_PASS_FILE, value: /etc/postgres-password/password}
    ports:
    - {name: metrics, containerPort: 9187, protocol: TCP}
    resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 128Mi}}
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    volumeMounts:
    - {name: postgres-password, mountPath: /etc/postgres-password, readOnly: true}
    - {name: postgres-exporter-queries, mountPath: /etc/postgres-exporter, readOnly: true}
  volumes:
  - {name: pgdata, persistentVolumeClaim: {claimName: data-orders-postgres-default-0-inf-pool-main-z1-48700c48-1}}
  - {name: shared-memory, emptyDir: {medium: Memory}}
  - {name: backup-data, persistentVolumeClaim: {claimName: backup-data-orders-postgres-default-0-inf-73f36ae3}}
  - {name: pg-hba-template, configMap: {name: orders-postgres-default-0-inf-36675870-pg-hba}}
  - {name: postgres-config, configMap: {name: orders-postgres-default-0-inf-36675870-postgres-config}}
  - name: postgres-password
    secret: {secretName: orders-postgres-password, defaultMode: 0444, items: [{key: password, path: password}]}
  - name: pgbackrest-certs
    projected:
      defaultMode: 0440
      sources:
      - secret:
          name: orders-postgres-default-0-inf-36675870-pgbackrest-tls
          items: [{key: ca.crt, path: ca.crt}, {key: tls.crt, path: pgbackrest.crt}, {key: tls.key, path: pgbackrest.key}]
  - {name: postgres-exporter-queries, configMap: {name: orders-postgres-default-0-inf-36675870-exporter-queries}}
`

// pods returns a world in which all volumes are there, and the pods that its shard gets.
func pods(t testing.TB, xr string, required map[string][]object.Object) (*world, map[string]object.Object) {
	t.Helper()
	w := newWorld(t, xr, required)
	out := w.settle()
	ps := map[string]object.Object{}
	for key := range out.Resources {
		if o := composetest.Get(t, out, key); o.Kind() == "Pod" {
			ps[key] = o
		}
	}
	return w, ps
}

// TestBuildPod compares one whole pod, field by field.
func TestBuildPod(t *testing.T) {
	_, ps := pods(t, minimal, nil)
	got := ps[naming.KeyPod("main", "z1", 1)]
	want := pod
	for placeholder, annotation := range map[string]string{
		"HASH": naming.AnnotationSpecHash, "RESTART": naming.AnnotationPostgresConfigHash, "RELOAD": naming.AnnotationPostgresReloadHash,
	} {
		if got.Annotation(annotation) == "" {
			t.Errorf("want annotation %s", annotation)
		}
		want = change(t, want, ": "+placeholder+"\n", ": "+got.Annotation(annotation)+"\n")
	}
	if diff := cmp.Diff(composetest.Object(t, want).Struct().AsMap(), got.Struct().AsMap()); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

// container returns a container of a pod by name.
func container(t testing.TB, pod object.Object, name string) object.Object {
	t.Helper()
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range pod.List("spec", list) {
			if c.String("name") == name {
				return c
			}
		}
	}
	t.Fatalf("%s has no container %q", pod.Describe(), name)
	return object.Object{}
}

func names(os []object.Object) []string {
	var out []string
	for _, o := range os {
		out = append(out, o.String("name"))
	}
	return out
}

// TestBuildPodVariants holds what a specification changes about a pod. What it does not change is the same as in TestBuildPod.
func TestBuildPodVariants(t *testing.T) {
	filesystem := "backup: {type: filesystem, filesystem: {path: /backups, storage: {size: 10Gi}}}"
	cases := map[string]struct {
		reason string
		xr     string
		check  func(t *testing.T, pod object.Object)
	}{
		"BackupPath": {
			reason: "The volume is mounted where the specification, and so the database's record, says.",
			xr:     change(t, minimal, filesystem, "backup: {type: filesystem, filesystem: {path: /mnt/repo}}"),
			check: func(t *testing.T, pod object.Object) {
				t.Helper()
				for _, name := range []string{"postgres", "multipooler"} {
					m := container(t, pod, name).List("volumeMounts")
					i := slices.IndexFunc(m, func(m object.Object) bool { return m.String("name") == "backup-data" })
					want(t, m[i].String("mountPath"), "/mnt/repo")
				}
			},
		},
		"NoBackup": {
			reason: "A shard that says nothing about backups keeps them on a volume, since it cannot start without.",
			xr:     change(t, minimal, filesystem, ""),
			check: func(t *testing.T, pod object.Object) {
				t.Helper()
				want(t, container(t, pod, "multipooler").List("volumeMounts")[1].String("mountPath"), "/backups")
			},
		},
		"ServiceAccount": {
			reason: "A service account that an object store trusts is set, without a token for the Kubernetes API, and no volume is shared.",
			xr:     change(t, minimal, filesystem, "backup: {type: s3, s3: {bucket: b, region: eu-1, serviceAccountName: backup}}"),
			check: func(t *testing.T, pod object.Object) {
				t.Helper()
				want(t, pod.String("spec", "serviceAccountName"), "backup")
				want(t, pod.Bool("spec", "automountServiceAccountToken"), false)
				want(t, slices.Contains(names(pod.List("spec", "volumes")), "backup-data"), false)
				want(t, names(container(t, pod, "multipooler").List("env")), []string{"PGDATA", "POSTGRES_USER", "POSTGRES_PASSWORD_FILE", "AWS_REGION"})
			},
		},
		"EnvCredentials": {
			reason: "Credentials without a Secret come into the environment by other means.",
			xr:     change(t, minimal, filesystem, "backup: {type: s3, s3: {bucket: b, region: eu-1, useEnvCredentials: true}}"),
			check: func(t *testing.T, pod object.Object) {
				t.Helper()
				want(t, names(container(t, pod, "postgres").List("env")), []string{"PGDATA", "POSTGRES_USER", "POSTGRES_PASSWORD_FILE", "POSTGRES_INITDB_EXTRA_CONF", "AWS_REGION", "RESTART_HASH"})
			},
		},
		"CredentialsSecret": {
			reason: "Credentials come from the keys of the Secret that are named as their variables.",
			xr:     change(t, minimal, filesystem, "backup: {type: s3, s3: {bucket: b, region: eu-1, credentialsSecret: aws}}"),
			check: func(t *testing.T, pod object.Object) {
				t.Helper()
				env := container(t, pod, "multipooler").List("env")
				want(t, names(env[3:]), []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})
				want(t, env[4].At("valueFrom", "secretKeyRef").Struct().AsMap(), map[string]any{"name": "aws", "key": "AWS_ACCESS_KEY_ID"})
			},
		},
		"UserCertificate": {
			reason: "The user's own certificate takes the place of a generated one.",
			xr:     change(t, minimal, "filesystem: {path", "pgbackrestTLS: {secretName: mine}, filesystem: {path"),
			check: func(t *testing.T, pod object.Object) {
				t.Helper()
				v := pod.List("spec", "volumes")[6]
				want(t, v.List("projected", "sources")[0].String("secret", "name"), "mine")
				want(t, v.Int("projected", "defaultMode"), int64(0o440))
			},
		},
		"InternalTLS": {
			reason: "The pooler serves with the certificate of all poolers.",
			xr:     change(t, minimal, "  durabilityPolicy:", "  internalTLS: {enabled: true}\n  durabilityPolicy:"),
			check: func(t *testing.T, pod object.Object) {
				t.Helper()
				args := container(t, pod, "multipooler").Strings("args")
				want(t, slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--grpc-cert=") }), true)
				vs := pod.List("spec", "volumes")
				want(t, vs[len(vs)-1].String("secret", "secretName"), "multipooler.orders.app.multigres.internal")
			},
		},
		"Users": {
			reason: "All containers run as the user that the pool names; its group also owns the volumes unless another one is named.",
			xr:     change(t, minimal, "limits: {memory: 512Mi}}}", "limits: {memory: 512Mi}}, runAsUser: 1000, runAsGroup: 1001}"),
			check: func(t *testing.T, pod object.Object) {
				t.Helper()
				sc := pod.At("spec", "securityContext")
				want(t, []int64{sc.Int("runAsUser"), sc.Int("runAsGroup"), sc.Int("fsGroup")}, []int64{1000, 1001, 1001})
				want(t, container(t, pod, "multipooler").Has("securityContext", "runAsGroup"), false)
			},
		},
		"NoExporter": {
			reason: "Without an image there is no exporter, and nothing to scrape.",
			xr:     change(t, minimal, "postgresExporter: exporter:v0.20.1, ", ""),
			check: func(t *testing.T, pod object.Object) {
				t.Helper()
				want(t, names(pod.List("spec", "containers")), []string{"multipooler"})
				want(t, pod.Annotation(naming.AnnotationPrometheusScrape), "")
				want(t, slices.Contains(names(pod.List("spec", "volumes")), "postgres-exporter-queries"), false)
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			required := answers(t)
			required[requireCertificate] = composetestObjects(t, `{kind: Secret, data: {ca.crt: YQ==, tls.crt: YQ==, tls.key: YQ==}}`)
			_, ps := pods(t, tc.xr, required)
			p, ok := ps[naming.KeyPod("main", "z1", 0)]
			if !ok {
				t.Fatalf("%s: want a pod", tc.reason)
			}
			tc.check(t, p)
			if t.Failed() {
				t.Log(tc.reason)
			}
		})
	}
}

func want(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

// TestPodsShare proves that the pods of a pool in a cell differ in nothing but their names, their data volume and the last two
// arguments of the pooler.
func TestPodsShare(t *testing.T) {
	_, ps := pods(t, minimal, nil)
	a, b := ps[naming.KeyPod("main", "z1", 0)], ps[naming.KeyPod("main", "z1", 2)]
	strip := func(o object.Object) map[string]any {
		m := o.Struct().AsMap()
		delete(m["metadata"].(map[string]any), "name")
		spec := m["spec"].(map[string]any)
		delete(spec, "hostname")
		spec["volumes"] = spec["volumes"].([]any)[1:]
		c := spec["containers"].([]any)[0].(map[string]any)
		args := c["args"].([]any)
		c["args"] = args[:len(args)-2]
		return m
	}
	if diff := cmp.Diff(strip(a), strip(b)); diff != "" {
		t.Errorf("-first, +last:\n%s", diff)
	}
	ids := map[string]bool{}
	for _, p := range ps {
		args := container(t, p, "multipooler").Strings("args")
		ids[args[len(args)-2]] = true
		if id := strings.TrimPrefix(args[len(args)-2], "--service-id="); id != naming.ServiceID(p.Name()) || len("z1_"+id) > 63 {
			t.Errorf("%s: service id %q", p.Name(), id)
		}
	}
	if len(ids) != len(ps) {
		t.Errorf("want as many service ids as pods, got %v", ids)
	}
}

// TestRestricted proves that every pod fulfils the restricted Pod Security Standard.
func TestRestricted(t *testing.T) {
	w := newWorld(t, everything, answers(t))
	out := w.settle()
	for key := range out.Resources {
		o := composetest.Get(t, out, key)
		spec := o.At("spec")
		switch o.Kind() {
		case "Pod":
		case "StatefulSet":
			spec = o.At("spec", "template", "spec")
		default:
			continue
		}
		if !spec.Bool("securityContext", "runAsNonRoot") || spec.Int("securityContext", "runAsUser") == 0 || spec.Int("securityContext", "fsGroup") == 0 {
			t.Errorf("%s: want it to run as nobody special, with a group for its volumes", key)
		}
		if !spec.Has("automountServiceAccountToken") || spec.Bool("automountServiceAccountToken") || !spec.Has("enableServiceLinks") || spec.Bool("enableServiceLinks") {
			t.Errorf("%s: want no token and no service links", key)
		}
		for _, c := range append(spec.List("initContainers"), spec.List("containers")...) {
			if !c.Has("securityContext", "allowPrivilegeEscalation") || len(c.Strings("securityContext", "capabilities", "drop")) != 1 {
				t.Errorf("%s: container %s is not restricted", key, c.String("name"))
			}
			if c.String("imagePullPolicy") != "Always" {
				t.Errorf("%s: container %s has another pull policy", key, c.String("name"))
			}
		}
	}
}
