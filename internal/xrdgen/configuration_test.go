package xrdgen

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/xcrd"
	xpextv1 "github.com/crossplane/crossplane/apis/v2/apiextensions/v1"
	xpextv1alpha1 "github.com/crossplane/crossplane/apis/v2/apiextensions/v1alpha1"
	xpextv2 "github.com/crossplane/crossplane/apis/v2/apiextensions/v2"
	"github.com/google/go-cmp/cmp"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/crossplane-multigres/crossplane-multigres/internal/schematest"
)

const (
	configuration = "../../package/configuration"
	provider      = "../../package/provider/crds"
)

// composites are the plurals of all composite resources.
var composites = []string{"cells", "multigresclusters", "shards", "tablegroups", "toposervers", "xmultigresclusters"}

// templates are the plurals of all plain kinds.
var templates = []string{"celltemplates", "coretemplates", "shardtemplates"}

func decode(t *testing.T, path string, into any) {
	t.Helper()

	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("ReadFile(...): %v", err)
	}

	if err := yaml.UnmarshalStrict(b, into); err != nil {
		t.Fatalf("UnmarshalStrict(%q): %v", path, err)
	}
}

func definition(t *testing.T, plural string) *xpextv1.CompositeResourceDefinition {
	t.Helper()

	xrd := &xpextv1.CompositeResourceDefinition{}
	decode(t, filepath.Join(configuration, "xrd-"+plural+".yaml"), xrd)

	return xrd
}

// written returns the schema that a definition holds, before Crossplane adds to
// it.
func written(t *testing.T, xrd *xpextv1.CompositeResourceDefinition) *extv1.JSONSchemaProps {
	t.Helper()

	s := &extv1.JSONSchemaProps{}
	if err := json.Unmarshal(xrd.Spec.Versions[0].Schema.OpenAPIV3Schema.Raw, s); err != nil {
		t.Fatalf("Unmarshal(...): %v", err)
	}

	return s
}

// schemas returns the schemas of all kinds by name: composite resources, the
// claim and plain kinds.
func schemas(t *testing.T) map[string]*schematest.Schema {
	t.Helper()

	out := map[string]*schematest.Schema{}
	add := func(name string, s *schematest.Schema, err error) {
		if err != nil {
			t.Fatalf("cannot load %s: %v", name, err)
		}

		out[name] = s
	}

	for _, plural := range composites {
		s, err := schematest.LoadXRD(filepath.Join(configuration, "xrd-"+plural+".yaml"))
		add(plural, s, err)
	}

	for _, plural := range templates {
		s, err := schematest.LoadCRD(filepath.Join(provider, "multigres.com_"+plural+".yaml"))
		add(plural, s, err)
	}

	s, err := schematest.LoadClaim(filepath.Join(configuration, "xrd-xmultigresclusters.yaml"))
	add("multigresclusterclaims", s, err)

	return out
}

func TestFiles(t *testing.T) {
	want := []string{"activation.yaml"}
	for _, plural := range composites {
		want = append(want, "xrd-"+plural+".yaml", "composition-"+plural+".yaml")
	}

	got, err := filepath.Glob(filepath.Join(configuration, "*.yaml"))
	if err != nil {
		t.Fatalf("Glob(...): %v", err)
	}

	for i := range got {
		got[i] = filepath.Base(got[i])
	}

	slices.Sort(want)

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("The Configuration must hold these files and no others: -want, +got:\n%s", diff)
	}
}

func TestAccepted(t *testing.T) {
	for name, s := range schemas(t) {
		t.Run(name, func(t *testing.T) {
			if errs := s.CheckDefinition(); len(errs) > 0 {
				t.Errorf("An API server must accept the definition, the cost of its rules included: %v", errs.ToAggregate())
			}

			// A definition is stored with a list of all its fields for every manager,
			// which doubles it; etcd takes 1.5 MiB.
			b, err := json.Marshal(s.Definition())
			if err != nil {
				t.Fatalf("Marshal(...): %v", err)
			}

			if size := len(b); size > 750_000 {
				t.Errorf("A definition must be small enough to be stored: it has %d bytes", size)
			}
		})
	}
}

// The package manager decodes into these types and refuses what it does not
// know.
func TestAPIVersion(t *testing.T) {
	for _, plural := range composites {
		t.Run(plural, func(t *testing.T) {
			path := filepath.Join(configuration, "xrd-"+plural+".yaml")
			xrd := definition(t, plural)

			want := "apiextensions.crossplane.io/v2 Namespaced"

			if plural == "xmultigresclusters" {
				want = "apiextensions.crossplane.io/v1 LegacyCluster"
			} else {
				decode(t, path, &xpextv2.CompositeResourceDefinition{})
			}

			if diff := cmp.Diff(want, xrd.APIVersion+" "+string(*xrd.Spec.Scope)); diff != "" {
				t.Errorf("API version and scope: -want, +got:\n%s", diff)
			}

			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("ReadFile(...): %v", err)
			}

			if strings.Contains(string(b), "\nstatus:") || strings.Contains(string(b), "creationTimestamp") {
				t.Error("A definition must hold what is wanted only: it has a status or a time of creation")
			}
		})
	}
}

// Crossplane makes its own schema and copies a part of ours into it.
func TestNothingIsLost(t *testing.T) {
	loaded := schemas(t)

	check := func(t *testing.T, s *schematest.Schema, want *extv1.JSONSchemaProps, spec, status map[string]extv1.JSONSchemaProps) {
		t.Helper()

		got := s.Definition().Spec.Versions[0].Schema.OpenAPIV3Schema

		if diff := cmp.Diff(want.XValidations, got.XValidations); diff != "" {
			t.Errorf("rules of the whole object: -want, +got:\n%s", diff)
		}

		for field, added := range map[string]map[string]extv1.JSONSchemaProps{"spec": spec, "status": status} {
			props := got.Properties[field]

			for name := range added {
				if _, ok := want.Properties[field].Properties[name]; ok {
					t.Errorf("%s.%s: Crossplane has a field of that name", field, name)
				}

				delete(props.Properties, name)
			}

			if diff := cmp.Diff(want.Properties[field], props); diff != "" {
				t.Errorf("%s: -want, +got:\n%s", field, diff)
			}
		}
	}

	for _, plural := range composites {
		t.Run(plural, func(t *testing.T) {
			xrd := definition(t, plural)
			scope := *xrd.Spec.Scope

			check(t, loaded[plural], written(t, xrd), xcrd.CompositeResourceSpecProps(scope, nil), xcrd.CompositeResourceStatusProps(scope))
		})
	}

	t.Run("multigresclusterclaims", func(t *testing.T) {
		xrd := definition(t, "xmultigresclusters")

		check(t, loaded["multigresclusterclaims"], written(t, xrd), xcrd.CompositeResourceClaimSpecProps(nil),
			xcrd.CompositeResourceStatusProps(*xrd.Spec.Scope))
	})
}

// What kubectl shows and how it is asked for.
func TestPrinted(t *testing.T) {
	cases := map[string]struct {
		short   string
		columns []string
	}{
		"multigresclusters":      {short: "mgc", columns: []string{"Phase", "SYNCED", "READY", "COMPOSITION", "AGE"}},
		"xmultigresclusters":     {columns: []string{"Phase", "SYNCED", "READY", "COMPOSITION", "AGE"}},
		"multigresclusterclaims": {short: "mgcc", columns: []string{"Phase", "SYNCED", "READY", "CONNECTION-SECRET", "AGE"}},
		"toposervers":            {short: "tps", columns: []string{"Replicas", "Desired", "Phase", "SYNCED", "READY", "COMPOSITION", "AGE"}},
		"cells":                  {short: "cel", columns: []string{"Gateway", "Phase", "SYNCED", "READY", "COMPOSITION", "AGE"}},
		"tablegroups":            {short: "tbg", columns: []string{"Shards", "Desired", "Phase", "SYNCED", "READY", "COMPOSITION", "AGE"}},
		"shards":                 {short: "srd", columns: []string{"Phase", "Leader", "Replicas", "Desired", "SYNCED", "READY", "COMPOSITION", "AGE"}},
		"coretemplates":          {short: "cot", columns: []string{"Age"}},
		"celltemplates":          {short: "cet", columns: []string{"Age"}},
		"shardtemplates":         {short: "sht", columns: []string{"Age"}},
	}

	loaded := schemas(t)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(loaded)), slices.Sorted(maps.Keys(cases))); diff != "" {
		t.Errorf("kinds: -want, +got:\n%s", diff)
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			crd := loaded[name].Definition()

			if got := strings.Join(crd.Spec.Names.ShortNames, ","); got != tc.short {
				t.Errorf("short names: want %q, got %q", tc.short, got)
			}

			if !slices.Contains(crd.Spec.Names.Categories, "multigres") {
				t.Errorf("categories: want multigres among %v", crd.Spec.Names.Categories)
			}

			got := []string{}
			for _, c := range crd.Spec.Versions[0].AdditionalPrinterColumns {
				if c.Priority == 0 {
					got = append(got, c.Name)
				}
			}

			if diff := cmp.Diff(tc.columns, got); diff != "" {
				t.Errorf("columns: -want, +got:\n%s", diff)
			}
		})
	}
}

func TestScale(t *testing.T) {
	got := schemas(t)["shards"].Definition().Spec.Versions[0].Subresources
	if got.Scale == nil || got.Status == nil {
		t.Errorf("A Shard must have the subresources scale and status: %v", got)
	}
}

func TestCompositions(t *testing.T) {
	for _, plural := range composites {
		t.Run(plural, func(t *testing.T) {
			xrd := definition(t, plural)

			got := &xpextv1.Composition{}
			decode(t, filepath.Join(configuration, "composition-"+plural+".yaml"), got)

			want := &xpextv1.Composition{}
			want.APIVersion, want.Kind = xpextv1.CompositionGroupVersionKind.ToAPIVersionAndKind()
			want.Name = xrd.Spec.DefaultCompositionRef.Name
			want.Spec = xpextv1.CompositionSpec{
				CompositeTypeRef: xpextv1.TypeReferenceTo(xrd.GetCompositeGroupVersionKind()),
				Mode:             xpextv1.CompositionModePipeline,
				Pipeline: []xpextv1.PipelineStep{{
					Step:        "compose",
					FunctionRef: xpextv1.FunctionReference{Name: "crossplane-multigres-function-multigres"},
				}},
			}

			if plural == "xmultigresclusters" {
				want.Spec.WriteConnectionSecretsToNamespace = ptr.To("crossplane-system")
			}

			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("A composite resource that names no Composition must get ours: -want, +got:\n%s", diff)
			}
		})
	}
}

func TestActivation(t *testing.T) {
	got := &xpextv1alpha1.ManagedResourceActivationPolicy{}
	decode(t, filepath.Join(configuration, "activation.yaml"), got)

	want := []xpextv1alpha1.ActivationPolicy{
		"cellrecords.m.multigres.com", "celltemplates.multigres.com", "coretemplates.multigres.com",
		"databaserecords.m.multigres.com", "passwords.m.multigres.com", "shardrecords.m.multigres.com",
		"shardtemplates.multigres.com", "tlscertificates.m.multigres.com", "volumeclaims.m.multigres.com",
	}

	if diff := cmp.Diff(want, got.Spec.Activations); diff != "" {
		t.Errorf("Every kind that is composed or required must be active: -want, +got:\n%s", diff)
	}
}
