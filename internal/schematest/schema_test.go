package schematest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

func TestLoad(t *testing.T) {
	type want struct {
		kind  string
		scope extv1.ResourceScope
		err   error
	}

	cases := map[string]struct {
		reason string
		load   func(path string) (*Schema, error)
		path   string
		want   want
	}{
		"CRD": {
			reason: "A CRD should be loaded as it is.",
			load:   LoadCRD,
			path:   "testdata/crd.yaml",
			want:   want{kind: "Thing", scope: extv1.NamespaceScoped},
		},
		"XRD": {
			reason: "A composite resource of an XRD v2 should be namespaced if nothing else is said.",
			load:   LoadXRD,
			path:   "testdata/xrd.yaml",
			want:   want{kind: "Thing", scope: extv1.NamespaceScoped},
		},
		"LegacyXRD": {
			reason: "A composite resource of an XRD v1 should be cluster scoped if nothing else is said.",
			load:   LoadXRD,
			path:   "testdata/legacy.yaml",
			want:   want{kind: "XThing", scope: extv1.ClusterScoped},
		},
		"Claim": {
			reason: "A claim should be namespaced.",
			load:   LoadClaim,
			path:   "testdata/legacy.yaml",
			want:   want{kind: "ThingClaim", scope: extv1.NamespaceScoped},
		},
		"NoClaim": {
			reason: "An XRD that offers no claim has no schema of one.",
			load:   LoadClaim,
			path:   "testdata/xrd.yaml",
			want:   want{err: cmpopts.AnyError},
		},
		"NoFile": {
			reason: "A file that is not there cannot be loaded.",
			load:   LoadCRD,
			path:   "testdata/none.yaml",
			want:   want{err: cmpopts.AnyError},
		},
		"NoXRDFile": {
			reason: "A file that is not there cannot be loaded.",
			load:   LoadXRD,
			path:   "testdata/none.yaml",
			want:   want{err: cmpopts.AnyError},
		},
		"UnknownField": {
			reason: "A misspelt field of a definition should be an error, not be dropped.",
			load:   LoadCRD,
			path:   "testdata/unknown.yaml",
			want:   want{err: cmpopts.AnyError},
		},
		"NoSchema": {
			reason: "Without a schema nothing can be validated.",
			load:   LoadCRD,
			path:   "testdata/schemaless.yaml",
			want:   want{err: cmpopts.AnyError},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := tc.load(tc.path)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Fatalf("\n%s\nload(...): -want error, +got error:\n%s", tc.reason, diff)
			}

			if err != nil {
				return
			}

			crd := s.Definition()
			if diff := cmp.Diff(tc.want, want{kind: crd.Spec.Names.Kind, scope: crd.Spec.Scope}, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("\n%s\nload(...): -want, +got:\n%s", tc.reason, diff)
			}

			if errs := s.CheckDefinition(); len(errs) > 0 {
				t.Errorf("\n%s\nCheckDefinition(): want no errors, got: %v", tc.reason, errs.ToAggregate())
			}
		})
	}
}

func TestCheckDefinition(t *testing.T) {
	s, err := LoadCRD("testdata/expensive.yaml")
	if err != nil {
		t.Fatalf("LoadCRD(...): %v", err)
	}

	if errs := s.CheckDefinition(); len(errs) == 0 {
		t.Error("CheckDefinition(): want an error for a rule that may cost too much, got none")
	}
}
