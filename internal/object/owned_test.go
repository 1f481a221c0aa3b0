package object

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"
	corev1 "k8s.io/api/core/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/yaml"
)

const manager = ManagerPrefix + "0123456789abcdef"

// parse turns YAML into an Object.
func parse(t *testing.T, y string) Object {
	t.Helper()
	m := map[string]any{}
	if err := yaml.Unmarshal([]byte(y), &m); err != nil {
		t.Fatal(err)
	}
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return New(s)
}

// livePod is a pod as an API server returns it: defaulted, scheduled, running, with fields of an apply by Crossplane, of an
// injected sidecar and of the kubelet.
const livePod = `
apiVersion: v1
kind: Pod
metadata:
  name: orders-0
  namespace: app
  uid: 0b7a6a6e-0000-4000-8000-000000000001
  resourceVersion: "42"
  creationTimestamp: "2026-01-02T03:04:05Z"
  labels: {app: orders, injected: "yes"}
  annotations: {multigres.com/spec-hash: abc}
  ownerReferences:
  - {apiVersion: multigres.com/v1alpha1, kind: Shard, name: orders, uid: u, controller: true, blockOwnerDeletion: true}
  managedFields:
  - manager: apiextensions.crossplane.io/composed/0123456789abcdef
    operation: Apply
    apiVersion: v1
    time: "2026-01-02T03:04:05Z"
    fieldsType: FieldsV1
    fieldsV1:
      f:metadata:
        f:annotations: {"f:multigres.com/spec-hash": {}}
        f:labels: {"f:app": {}}
        f:ownerReferences: {'k:{"uid":"u"}': {}}
      f:spec:
        f:containers:
          'k:{"name":"postgres"}':
            .: {}
            f:name: {}
            f:image: {}
            f:args: {}
            f:env:
              'k:{"name":"PGDATA"}': {".": {}, "f:name": {}, "f:value": {}}
            f:ports:
              'k:{"containerPort":5432,"protocol":"TCP"}': {".": {}, "f:containerPort": {}, "f:name": {}}
            f:resources: {f:requests: {f:cpu: {}}}
        f:volumes:
          'k:{"name":"scratch"}': {".": {}, "f:name": {}, "f:emptyDir": {}}
        f:hostname: {}
  - manager: sidecar-injector
    operation: Update
    apiVersion: v1
    fieldsType: FieldsV1
    fieldsV1: {f:metadata: {f:labels: {"f:injected": {}}}}
  - manager: kubelet
    operation: Update
    subresource: status
    apiVersion: v1
    fieldsType: FieldsV1
    fieldsV1: {f:status: {f:phase: {}}}
spec:
  hostname: orders-0
  nodeName: node-1
  restartPolicy: Always
  dnsPolicy: ClusterFirst
  containers:
  - name: postgres
    image: postgres:17
    imagePullPolicy: IfNotPresent
    args: [server, --port=5432]
    env:
    - {name: PGDATA, value: /data}
    - {name: INJECTED, value: "1"}
    ports:
    - {containerPort: 5432, name: postgres, protocol: TCP}
    - {containerPort: 15090, name: envoy, protocol: TCP}
    resources: {requests: {cpu: 100m, memory: 1Gi}}
    terminationMessagePath: /dev/termination-log
  - name: envoy
    image: envoy:1
  volumes:
  - {name: kube-api-access-x, projected: {defaultMode: 420}}
  - {name: scratch, emptyDir: {}}
status: {phase: Running}
`

func TestOwned(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     string
		want   string
	}{
		"RunningPod": {
			reason: "Only what Crossplane applied is kept: no defaults, no injected parts, no status, no owner references.",
			in:     livePod,
			want: `
apiVersion: v1
kind: Pod
metadata:
  name: orders-0
  labels: {app: orders}
  annotations: {multigres.com/spec-hash: abc}
spec:
  hostname: orders-0
  containers:
  - name: postgres
    image: postgres:17
    args: [server, --port=5432]
    env: [{name: PGDATA, value: /data}]
    ports: [{containerPort: 5432, name: postgres}]
    resources: {requests: {cpu: 100m}}
  volumes: [{name: scratch, emptyDir: {}}]
`,
		},
		"NobodyApplied": {
			reason: "Of an object that nobody applied only the identity is kept, so that applying it claims nothing.",
			in:     `{apiVersion: v1, kind: Pod, metadata: {name: foreign, labels: {a: b}}, spec: {nodeName: n}}`,
			want:   `{apiVersion: v1, kind: Pod, metadata: {name: foreign}}`,
		},
		"SetAndIndexItems": {
			reason: "Items of sets are found by value.",
			in: `
apiVersion: v1
kind: Thing
metadata:
  name: t
  finalizers: [ours, theirs]
  managedFields:
  - {manager: apiextensions.crossplane.io/composed/x, operation: Apply, fieldsV1: {f:metadata: {f:finalizers: {'v:"ours"': {}}}}}
`,
			want: `{apiVersion: v1, kind: Thing, metadata: {name: t, finalizers: [ours]}}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Owned(parse(t, tc.in), ManagerPrefix)
			if err != nil {
				t.Fatalf("\n%s\nOwned(...): %v", tc.reason, err)
			}
			if diff := cmp.Diff(parse(t, tc.want).Struct().AsMap(), got.Struct().AsMap()); diff != "" {
				t.Errorf("\n%s\nOwned(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestOwnedAgreesWithClientGo holds our extraction against the one that the Kubernetes client library offers for pods.
func TestOwnedAgreesWithClientGo(t *testing.T) {
	o := parse(t, livePod)
	b, err := o.Struct().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{}
	if err := json.Unmarshal(b, pod); err != nil {
		t.Fatal(err)
	}
	ac, err := applycorev1.ExtractPod(pod, manager)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = json.Marshal(ac); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	got, err := Owned(o, ManagerPrefix)
	if err != nil {
		t.Fatal(err)
	}
	// The two differ on purpose: the namespace is Crossplane's to set, and so are the owner references.
	meta := want["metadata"].(map[string]any)
	delete(meta, "namespace")
	delete(meta, "ownerReferences")
	if diff := cmp.Diff(want, got.Struct().AsMap()); diff != "" {
		t.Errorf("Owned(...) differs from ExtractPod: -client-go, +ours:\n%s", diff)
	}
}

func TestOwnedUnreadable(t *testing.T) {
	o := parse(t, `
apiVersion: v1
kind: Pod
metadata:
  name: p
  managedFields:
  - {manager: apiextensions.crossplane.io/composed/x, operation: Apply, fieldsV1: {"k:nonsense": {}}}
`)
	if got, err := Owned(o, ManagerPrefix); err == nil {
		t.Errorf("Owned(...): want an error for managed fields that cannot be read, got %v", got.Struct())
	}
}
