package cluster

import (
	"errors"
	"maps"
	"slices"
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

func TestCompose(t *testing.T) {
	cases := map[string]struct {
		reason   string
		xr       string
		given    []string
		observed map[string]object.Object
	}{
		"MinimalNew":      {reason: "What waits for nothing is made at once.", xr: minimal},
		"MinimalReady":    {reason: "Everything is there and serves.", xr: minimal, given: []string{generatedSecret}, observed: grow(t, minimal, generatedSecret)},
		"EverythingNew":   {reason: "Everything that can be asked for is.", xr: everything, given: givenEverything},
		"EverythingReady": {reason: "Everything is there and serves.", xr: everything, given: givenEverything, observed: grow(t, everything, givenEverything...)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			composetest.Golden(t, name, mustRun(t, compose.Input{XR: composetest.Object(t, tc.xr), Observed: tc.observed}, tc.given...))
		})
	}
}

func TestComposeAsks(t *testing.T) {
	in := compose.Input{
		XR: composetest.Object(t, everything), Observed: composetest.Objects(t, map[string]string{
			naming.KeyCell("zone-a"): `{apiVersion: multigres.com/v1alpha1, kind: Cell, metadata: {name: c}}`,
		}),
	}
	template := func(kind string) compose.Requirement {
		return compose.Requirement{APIVersion: "multigres.com/v1alpha1", Kind: kind, Namespace: "app", Name: "house"}
	}
	first := map[string]compose.Requirement{
		"core-template/house":  template("CoreTemplate"),
		"cell-template/house":  template("CellTemplate"),
		"shard-template/house": template("ShardTemplate"),
		"password-secret":      {APIVersion: "v1", Kind: "Secret", Namespace: "app", Name: "mine"},
	}
	second := maps.Clone(first)
	second["config-map/rules"] = compose.Requirement{APIVersion: "v1", Kind: "ConfigMap", Namespace: "app", Name: "rules"}

	out, err := Compose(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, out.Requirements); diff != "" {
		t.Errorf("before anything is known: -want, +got:\n%s", diff)
	}
	if !out.Resources[naming.KeyCell("zone-a")].Kept.Exists() {
		t.Error("while the cluster waits for answers what is there stays")
	}

	in.Required = map[string][]object.Object{
		"core-template/house": nil, "cell-template/house": nil, "password-secret": nil, "shard-template/house": {composetest.Object(t, givenEverything[3])},
	}
	out, err = Compose(in)
	if err != nil {
		t.Fatal("what is wrong is told once everything is known", err)
	}
	if diff := cmp.Diff(second, out.Requirements); diff != "" {
		t.Errorf("once the templates are known: -want, +got:\n%s", diff)
	}

	full := mustRun(t, in, givenEverything...)
	if diff := cmp.Diff(second, full.Requirements); diff != "" {
		t.Errorf("in the end nothing else is asked for: -want, +got:\n%s", diff)
	}
}

// fields returns the paths of all problems of an error.
func fields(t *testing.T, err error) []string {
	t.Helper()
	var invalid *compose.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("want an InvalidError, got %v", err)
	}
	var out []string
	for _, p := range invalid.Problems {
		f, _, _ := strings.Cut(p, ": ")
		out = append(out, f)
	}
	return out
}

func TestComposeInvalid(t *testing.T) {
	cases := map[string]struct {
		reason string
		xr     string
		given  []string
		want   []string
	}{
		"Types": {
			reason: "Values of the wrong type are all told.",
			xr:     `{metadata: {name: Orders}, spec: {cells: x, internalTLS: {enabled: 3}}, status: {images: []}}`,
			want:   []string{"metadata.name", "metadata.namespace", "spec.cells", "spec.internalTLS.enabled", "status.images"},
		},
		"LongName": {
			reason: "A name too long for Services is told before anything else is asked.",
			xr:     `{metadata: {name: ` + strings.Repeat("x", 10000) + `, namespace: app}}`,
			want:   []string{"metadata.name"},
		},
		"Nothing": {
			reason: "A cluster needs a cell.",
			xr:     `{metadata: {name: orders, namespace: app}}`,
			want:   []string{"spec.cells"},
		},
		"MissingTemplates": {
			reason: "Templates that do not exist, names used twice, a host name that is none and a key that a ConfigMap lacks are told together.",
			xr: `
metadata: {name: orders, namespace: app}
spec:
  certCommonName: not a host
  templateDefaults: {coreTemplate: gold, shardTemplate: house}
  cells: [{name: a, zone: a, cellTemplate: silver}, {name: a, zone: b}]
  databases: [{name: postgres, default: true}, {name: postgres, default: true}]
`,
			given: []string{
				givenEverything[3],
				`{apiVersion: v1, kind: ConfigMap, metadata: {name: rules, namespace: app}, data: {other: ""}}`,
			},
			want: []string{
				"spec.cells[0].cellTemplate", "spec.cells[1].name", "spec.certCommonName",
				"spec.databases[0].tablegroups.postgresConfigRef.key", "spec.databases[1].name", "spec.databases[1].tablegroups.postgresConfigRef.key",
				"spec.templateDefaults.coreTemplate",
			},
		},
		"ConfigMaps": {
			reason: "A ConfigMap that does not exist, and lines that PostgreSQL would refuse, each where the reference stands.",
			xr: `
metadata: {name: orders, namespace: app}
spec:
  cells: [{name: a, zone: a}]
  databases:
  - name: postgres
    default: true
    tablegroups:
    - name: default
      default: true
      shards:
      - {name: 0-inf, spec: {postgresConfigRef: {name: gone, key: conf}}}
    - name: other
      shards:
      - {name: 0-inf, overrides: {postgresConfigRef: {name: rules, key: conf}}}
`,
			given: []string{`{apiVersion: v1, kind: ConfigMap, metadata: {name: rules, namespace: app}, data: {conf: "wrk_mem = 64MB\n"}}`},
			want: []string{
				"spec.databases[0].tablegroups[0].shards[0].spec.postgresConfigRef.name",
				"spec.databases[0].tablegroups[1].name",
				"spec.databases[0].tablegroups[1].shards[0].overrides.postgresConfigRef",
			},
		},
		"DamagedTemplate": {
			reason: "What is wrong in a template is told with the template's name.",
			xr:     minimal,
			given:  []string{`{apiVersion: multigres.com/v1alpha1, kind: CoreTemplate, metadata: {name: default, namespace: app}, spec: {multiadmin: {replicas: many}}}`},
			want:   []string{"CoreTemplate[default].spec.multiadmin.replicas"},
		},
		"Changed": {
			reason: "What is decided once stays, wherever the change comes from.",
			xr: `
metadata: {name: orders, namespace: app}
spec: {cells: [{name: zone-a, zone: a}], postgresSuperuser: boss}
status: {effective: {superuser: postgres, globalTopoServer: {replicas: 5}}}
`,
			want: []string{"spec.globalTopoServer.etcd.replicas", "spec.postgresSuperuser"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, compose.Input{XR: composetest.Object(t, tc.xr)}, tc.given...)
			if diff := cmp.Diff(tc.want, fields(t, err)); diff != "" {
				t.Errorf("%s -want, +got:\n%s\n%v", tc.reason, diff, err)
			}
		})
	}
}

func TestWithUpdateStrategy(t *testing.T) {
	in := compose.Input{XR: composetest.Object(t, minimal), Required: map[string][]object.Object{
		"password-secret": nil, "core-template/default": nil, "cell-template/default": nil, "shard-template/default": nil,
	}}
	out, err := WithUpdateStrategy(v1alpha1.ImageUpdateLazy)(in)
	if err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, out).Images.UpdateStrategy; got != "lazy" {
		t.Errorf("a cluster that chooses no strategy has the installation's, got %q", got)
	}
}

func TestComposeIsDeterministic(t *testing.T) {
	in := compose.Input{XR: composetest.Object(t, everything), Observed: grow(t, everything, givenEverything...)}
	first := mustRun(t, in, givenEverything...)
	for range 100 {
		again := mustRun(t, in, givenEverything...)
		if diff := cmp.Diff(first.Conditions, again.Conditions); diff != "" {
			t.Fatalf("conditions: -first, +again:\n%s", diff)
		}
		if diff := cmp.Diff(first.Status, again.Status); diff != "" {
			t.Fatalf("status: -first, +again:\n%s", diff)
		}
		keys := slices.Sorted(maps.Keys(first.Resources))
		if diff := cmp.Diff(keys, slices.Sorted(maps.Keys(again.Resources))); diff != "" {
			t.Fatalf("keys: -first, +again:\n%s", diff)
		}
		for _, key := range keys {
			if !proto.Equal(composetest.Get(t, first, key).Struct(), composetest.Get(t, again, key).Struct()) {
				t.Fatalf("resource %s differs", key)
			}
		}
	}
}

func TestComposedResources(t *testing.T) {
	out := mustRun(t, compose.Input{XR: composetest.Object(t, everything), Observed: grow(t, everything, givenEverything...)}, givenEverything...)
	for key := range out.Resources {
		o := composetest.Get(t, out, key)
		switch {
		case o.Name() == "", o.APIVersion() == "", o.Kind() == "":
			t.Errorf("%s has no explicit name or type", key)
		case o.Namespace() != "":
			t.Errorf("%s names a namespace, which is Crossplane's to set", key)
		case o.Has("status"):
			t.Errorf("%s has a status, which is not ours", key)
		case o.Label(naming.LabelCluster) != "orders":
			t.Errorf("%s does not say which cluster it belongs to", key)
		}
	}
}
