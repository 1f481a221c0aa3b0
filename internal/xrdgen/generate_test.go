package xrdgen

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// files returns the contents of all files below the supplied folders, by the
// path below each.
func files(t *testing.T, dirs ...string) map[string]string {
	t.Helper()

	out := map[string]string{}

	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}

			b, err := os.ReadFile(path)
			rel, _ := filepath.Rel(dir, path)
			out[rel] = string(b)

			return err
		})
		if err != nil {
			t.Fatalf("WalkDir(...): %v", err)
		}
	}

	return out
}

func TestGenerate(t *testing.T) {
	o := Options{
		CRDs:          "testdata/crds",
		Configuration: t.TempDir(),
		ProviderCRDs:  t.TempDir(),
		FunctionName:  "org-function-x",
	}

	provided := files(t, "testdata/provider")
	for name, content := range provided {
		if err := os.WriteFile(filepath.Join(o.ProviderCRDs, name), []byte(content), 0o600); err != nil {
			t.Fatalf("WriteFile(...): %v", err)
		}
	}

	for _, name := range []string{"xrd-gone.yaml", "composition-gone.yaml"} {
		if err := os.WriteFile(filepath.Join(o.Configuration, name), nil, 0o600); err != nil {
			t.Fatalf("WriteFile(...): %v", err)
		}
	}

	want := files(t, "testdata/want", "testdata/provider")

	for range 2 {
		if err := Generate(o); err != nil {
			t.Fatalf("Generate(...): %v", err)
		}

		if diff := cmp.Diff(want, files(t, o.Configuration, o.ProviderCRDs)); diff != "" {
			t.Errorf("The same definitions must give the same files, however often: -want, +got:\n%s", diff)
		}
	}
}

func TestGenerateErrors(t *testing.T) {
	const (
		head  = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\n"
		names = "group: example.org, names: {kind: Thing, plural: things}"
	)

	cases := map[string]struct {
		reason string
		crd    string
	}{
		"NoDefinitions": {
			reason: "An empty folder means that controller-gen did not run, not that there are no kinds.",
		},
		"UnknownField": {
			reason: "A field that the type does not know would be lost.",
			crd:    head + "spec: {" + names + ", scope: Namespaced, versions: [], secret: true}\n",
		},
		"NoSchema": {
			reason: "Crossplane does not accept a version without a schema.",
			crd:    head + "spec: {" + names + ", scope: Namespaced, versions: [{name: v1, served: true, storage: true, subresources: {status: {}}}]}\n",
		},
		"NoStorageVersion": {
			reason: "A Composition is for one version, the one that is stored.",
			crd: head + "spec: {" + names + ", scope: Namespaced, versions: [{name: v1, served: true, storage: false, " +
				"subresources: {status: {}}, schema: {openAPIV3Schema: {type: object}}}]}\n",
		},
		"NoClaim": {
			reason: "Only a composite resource with a claim may be cluster-scoped.",
			crd: head + "spec: {" + names + ", scope: Cluster, versions: [{name: v1, served: true, storage: true, " +
				"subresources: {status: {}}, schema: {openAPIV3Schema: {type: object}}}]}\n",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			o := Options{CRDs: t.TempDir(), Configuration: t.TempDir(), ProviderCRDs: t.TempDir()}

			if tc.crd != "" {
				if err := os.WriteFile(filepath.Join(o.CRDs, "crd.yaml"), []byte(tc.crd), 0o600); err != nil {
					t.Fatalf("WriteFile(...): %v", err)
				}
			}

			if diff := cmp.Diff(cmpopts.AnyError, Generate(o), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nGenerate(...): -want error, +got error:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestFunctionName(t *testing.T) {
	cases := map[string]struct {
		reason   string
		registry string
		want     string
	}{
		"Default": {
			reason:   "The host of the registry is not part of the name.",
			registry: DefaultRegistry,
			want:     "crossplane-multigres-function-multigres",
		},
		"Deep": {
			reason:   "All parts of the path are part of the name.",
			registry: "registry.example.org:5000/team/a.b",
			want:     "team-a-b-function-multigres",
		},
		"HostOnly": {
			reason:   "A package may lie at the root of a registry.",
			registry: "localhost:5000",
			want:     "function-multigres",
		},
		"Localhost": {
			reason:   "This host is one without a dot or a port, too.",
			registry: "localhost/team",
			want:     "team-function-multigres",
		},
		"NoHost": {
			reason:   "A path without a host belongs to the default registry.",
			registry: "team",
			want:     "team-function-multigres",
		},
		"Odd": {
			reason:   "What cannot be part of a DNS label is left out.",
			registry: "ghcr.io/my_team",
			want:     "myteam-function-multigres",
		},
		"Long": {
			reason:   "A name ends after 63 characters, and not in a dash.",
			registry: "ghcr.io/a23456789-b23456789-c23456789-d23456789-e23/f",
			want:     "a23456789-b23456789-c23456789-d23456789-e23-f-function-multigre",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, FunctionName(tc.registry)); diff != "" {
				t.Errorf("\n%s\nFunctionName(%q): -want, +got:\n%s", tc.reason, tc.registry, diff)
			}
		})
	}
}
