package claim

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

const claimed = `
apiVersion: multigres.com/v1alpha1
kind: XMultigresCluster
metadata: {name: orders-x7k2p, generation: 3, annotations: {multigres.com/project-ref: shop, multigres.com/rollout-paused: "yes", other: x}}
spec:
  claimRef: {apiVersion: multigres.com/v1alpha1, kind: MultigresClusterClaim, namespace: app, name: orders}
  compositionRef: {name: xmultigresclusters.multigres.com}
  compositionRevisionRef: {name: r}
  compositionUpdatePolicy: Automatic
  compositeDeletePolicy: Foreground
  resourceRefs: [{apiVersion: multigres.com/v1alpha1, kind: MultigresCluster, name: orders}]
  writeConnectionSecretToRef: {namespace: crossplane-system, name: uid}
  images: {multiadmin: m, imagePullSecrets: [{name: registry}]}
  multiadmin: {spec: {resources: {requests: {}, limits: {cpu: 1000m}}}}
  observability: {}
  externalGateway: {enabled: false}
  cells:
  - {name: zone-a, zone: a, spec: {multigateway: {replicas: 0}}}
  databases: []
`

const cluster = `
apiVersion: multigres.com/v1alpha1
kind: MultigresCluster
metadata: {name: orders, namespace: app}
`

// input returns the input of a claim, with the Secret of its cluster if there is one.
func input(t *testing.T, xr, live, secret string) compose.Input {
	t.Helper()
	in := compose.Input{XR: composetest.Object(t, xr), Observed: map[string]object.Object{}, Required: map[string][]object.Object{requireConnection: nil}}
	if live != "" {
		in.Observed[naming.KeyCluster] = composetest.Object(t, live)
	}
	if secret != "" {
		in.Required[requireConnection] = []object.Object{composetest.Object(t, secret)}
	}
	return in
}

func TestComposeCluster(t *testing.T) {
	out, err := Compose(input(t, claimed, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	want := composetest.Object(t, `
apiVersion: multigres.com/v1alpha1
kind: MultigresCluster
metadata: {name: orders, namespace: app, annotations: {multigres.com/project-ref: shop, multigres.com/rollout-paused: "yes"}}
spec:
  images: {multiadmin: m, imagePullSecrets: [{name: registry}]}
  multiadmin: {spec: {resources: {requests: {}, limits: {cpu: 1000m}}}}
  observability: {}
  externalGateway: {enabled: false}
  cells:
  - {name: zone-a, zone: a, spec: {multigateway: {replicas: 0}}}
`)
	if diff := cmp.Diff(want.Struct().AsMap(), composetest.Get(t, out, naming.KeyCluster).Struct().AsMap()); diff != "" {
		t.Errorf("what the user wrote goes on to the letter, what is Crossplane's stays behind: -want, +got:\n%s", diff)
	}
	if len(out.Resources) != 1 {
		t.Errorf("a claim is one cluster, got %d resources", len(out.Resources))
	}
	for range 100 {
		again, err := Compose(input(t, claimed, "", ""))
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(out.Resources[naming.KeyCluster].Kept.Struct(), again.Resources[naming.KeyCluster].Kept.Struct()) {
			t.Fatal("the same claim is the same cluster")
		}
	}
}

func TestComposeAsks(t *testing.T) {
	for want, xr := range map[string]string{
		"orders-connection": claimed,
		"mine":              claimed + "  connectionSecretName: mine\n",
	} {
		in := input(t, xr, cluster, "")
		in.Required = nil
		out, err := Compose(in)
		if err != nil {
			t.Fatal(err)
		}
		rs := map[string]compose.Requirement{requireConnection: {APIVersion: "v1", Kind: "Secret", Namespace: "app", Name: want}}
		if diff := cmp.Diff(rs, out.Requirements); diff != "" {
			t.Errorf("-want, +got:\n%s", diff)
		}
		if !out.Resources[naming.KeyCluster].Kept.Exists() {
			t.Error("while the claim waits for an answer its cluster stays")
		}
	}
}

func TestComposeInvalid(t *testing.T) {
	cases := map[string]struct {
		reason string
		xr     string
		want   []string
	}{
		"NoClaim":      {reason: "Without a claim there is no namespace.", xr: `{metadata: {name: x}, spec: {cells: []}}`, want: []string{"spec.claimRef"}},
		"NoSpec":       {reason: "An empty composite is refused.", xr: `{}`, want: []string{"spec.claimRef"}},
		"LongName":     {reason: "A claim is named as its cluster.", xr: `{spec: {claimRef: {namespace: app, name: ` + strings.Repeat("x", 26) + `}}}`, want: []string{"metadata.name"}},
		"Name":         {reason: "A cluster's name starts with a letter.", xr: `{spec: {claimRef: {namespace: app, name: 1st}}}`, want: []string{"metadata.name"}},
		"SeveralTypes": {reason: "Values of the wrong type are all told.", xr: `{spec: {claimRef: x, cells: 1, images: no}}`, want: []string{"spec.cells", "spec.claimRef", "spec.claimRef", "spec.images"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Compose(input(t, tc.xr, "", ""))
			var invalid *compose.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("want an InvalidError, got %v", err)
			}
			var fields []string
			for _, p := range invalid.Problems {
				f, _, _ := strings.Cut(p, ": ")
				fields = append(fields, f)
			}
			if diff := cmp.Diff(tc.want, fields); diff != "" {
				t.Errorf("%s -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	status := v1alpha1.XMultigresClusterStatus{ClusterName: "orders"}
	status.ObservedGeneration = 3
	with := func(phase v1alpha1.Phase, message string) v1alpha1.XMultigresClusterStatus {
		st := status
		st.Phase, st.Message = phase, message
		return st
	}
	fresh := with(v1alpha1.PhaseInitializing, "waiting for MultigresCluster app/orders")
	fresh.ClusterName = ""
	healthy := with(v1alpha1.PhaseHealthy, "Ready")
	healthy.ConnectionSecretName = "orders-connection"
	healthy.Gateway = &v1alpha1.GatewayEndpoints{Host: "h", Port: 5432, ReplicaHost: "r", ReplicaPort: 5433, ExternalEndpoint: "lb"}

	const readyStatus = `phase: Healthy, message: Ready, connectionSecretName: orders-connection,
  gateway: {host: h, port: 5432, replicaHost: r, replicaPort: 5433, externalEndpoint: lb}, conditions: [{type: Ready, status: "True"}]`
	type state struct {
		status            v1alpha1.XMultigresClusterStatus
		ready, inProgress bool
		progressing       string
		degraded          string
		events            int
	}
	cases := map[string]struct {
		reason string
		xr     string
		live   string
		want   state
	}{
		"New": {
			reason: "There is no cluster yet.", xr: claimed,
			want: state{status: fresh, inProgress: true, progressing: "waiting for MultigresCluster app/orders"},
		},
		"Made": {
			reason: "The cluster says nothing yet.", xr: claimed, live: cluster,
			want: state{status: with(v1alpha1.PhaseInitializing, "waiting for MultigresCluster app/orders"), inProgress: true, progressing: "waiting for MultigresCluster app/orders"},
		},
		"Progressing": {
			reason: "The cluster says why.", xr: claimed, live: cluster + "status: {phase: Progressing, message: soon}",
			want: state{status: with(v1alpha1.PhaseProgressing, "soon"), inProgress: true, progressing: "waiting for MultigresCluster app/orders (soon)"},
		},
		"Healthy": {
			reason: "The claim is as ready as its cluster.", xr: claimed, live: cluster + "status: {" + readyStatus + "}",
			want: state{status: healthy, ready: true},
		},
		"Degraded": {
			reason: "The claim is as broken as its cluster, which is told once.", xr: claimed + "status: {phase: Healthy}\n", live: cluster + "status: {phase: Degraded, message: oh}",
			want: state{status: with(v1alpha1.PhaseDegraded, "oh"), inProgress: true, progressing: "waiting for MultigresCluster app/orders (oh)", degraded: "oh", events: 1},
		},
		"Outdated": {
			reason: "What the cluster says of an older specification is not the end.", xr: claimed,
			live: strings.ReplaceAll(cluster, "namespace: app", "namespace: app, generation: 2") + "status: {observedGeneration: 1, " + readyStatus + "}",
			want: state{status: healthy, ready: true, inProgress: true, progressing: "waiting for MultigresCluster app/orders (Ready)"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := Compose(input(t, tc.xr, tc.live, ""))
			if err != nil {
				t.Fatal(err)
			}
			st, ok := out.Status.(*v1alpha1.XMultigresClusterStatus)
			if !ok {
				t.Fatalf("the status is a %T", out.Status)
			}
			got := state{status: *st, ready: out.Ready, inProgress: out.InProgress, events: len(out.Events)}
			for _, c := range out.Conditions {
				switch c.Type {
				case compose.TypeProgressing:
					got.progressing = c.Message
				case compose.TypeDegraded:
					got.degraded = c.Message
				case TypeAvailable:
					if (c.Status == "True") != out.Ready {
						t.Error("available means ready")
					}
				}
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(state{})); diff != "" {
				t.Errorf("%s -want, +got:\n%s", tc.reason, diff)
			}
			if out.Resources[naming.KeyCluster].Ready != out.Ready {
				t.Error("the composed cluster is as ready as the claim")
			}
		})
	}
}

func TestConnectionDetails(t *testing.T) {
	cases := map[string]struct {
		reason string
		secret string
		want   map[string][]byte
	}{
		"None":    {reason: "Without a Secret there are none."},
		"Empty":   {reason: "A Secret without data has none.", secret: `{apiVersion: v1, kind: Secret}`},
		"Known":   {reason: "Everything in the Secret is passed on.", secret: `{apiVersion: v1, kind: Secret, data: {host: aA==, password: czNjcmV0}}`, want: map[string][]byte{"host": []byte("h"), "password": []byte("s3cret")}},
		"Damaged": {reason: "What is no base64 is left out.", secret: `{apiVersion: v1, kind: Secret, data: {host: aA==, password: "%"}}`, want: map[string][]byte{"host": []byte("h")}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := Compose(input(t, claimed, cluster, tc.secret))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, out.ConnectionDetails); diff != "" {
				t.Errorf("%s -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
