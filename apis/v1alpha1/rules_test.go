package v1alpha1

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
)

// A ruleCase is an object that is created, or that replaces an older one.
type ruleCase struct {
	reason string
	kind   string
	name   string
	old    string
	spec   string
	// want are the paths that are refused. None accepts the object.
	want []string
}

// A cell that satisfies all rules, for cases that are about something else.
const validCells = `
cells: [{name: a, zone: z1}]
`

func ruleCases() map[string]ruleCase {
	all := map[string]ruleCase{}
	for _, cases := range []map[string]ruleCase{clusterCases, cellCases, databaseCases, topoCases, storageCases, childCases} {
		maps.Copy(all, cases)
	}
	return all
}

// object wraps a spec into an object.
func object(t *testing.T, kind, name, spec string) map[string]any {
	t.Helper()
	if spec == "" {
		return nil
	}
	if name == "" {
		name = "sample"
	}
	return map[string]any{
		"apiVersion": SchemeGroupVersion.String(),
		"kind":       kind,
		"metadata":   map[string]any{"name": name, "namespace": "default"},
		"spec":       parse(t, spec),
	}
}

func TestRules(t *testing.T) {
	checkers := map[string]*checker{}
	fired := map[string]bool{}
	for name, tc := range ruleCases() {
		if checkers[tc.kind] == nil {
			checkers[tc.kind] = newChecker(t, tc.kind)
		}
		t.Run(name, func(t *testing.T) {
			errs := checkers[tc.kind].check(object(t, tc.kind, tc.name, tc.spec), object(t, tc.kind, tc.name, tc.old))
			var got []string
			for _, err := range errs {
				got = append(got, err.Field)
				fired[err.Detail] = true
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nrefused paths: -want, +got:\n%s\n%v", tc.reason, diff, errs)
			}
		})
	}

	// Whoever adds a rule shows what it refuses.
	for kind, c := range checkers {
		for _, message := range messages(c.structural) {
			if !fired[message] {
				t.Errorf("no case is refused by this rule of %s: %s", kind, message)
			}
		}
	}
}

// messages are those of all rules in a schema.
func messages(s *structuralschema.Structural) []string {
	if s == nil {
		return nil
	}
	var out []string
	for _, r := range s.XValidations {
		out = append(out, strings.TrimSpace(r.Message))
	}
	out = append(out, messages(s.Items)...)
	if s.AdditionalProperties != nil {
		out = append(out, messages(s.AdditionalProperties.Structural)...)
	}
	for _, p := range s.Properties {
		out = append(out, messages(&p)...)
	}
	return out
}
