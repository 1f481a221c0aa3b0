package schematest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A Rule is one CEL rule of a schema.
type Rule struct {
	// Path of what the rule validates, as in spec.cells[*].name. Elements of lists and values of maps are [*]. It is empty
	// for a rule of the whole object.
	Path string

	// Rule is the CEL expression.
	Rule string

	// Message of the rule. It is empty if the rule computes its message.
	Message string
}

// Rules returns all CEL rules of the schema, sorted by path and then in the order of the schema.
func Rules(s *Schema) []Rule {
	var rules []Rule

	walk(s.props.DeepCopy(), "", func(path string, node *extv1.JSONSchemaProps) {
		for _, r := range node.XValidations {
			rules = append(rules, Rule{Path: path, Rule: r.Rule, Message: r.Message})
		}
	})

	return rules
}

// A Change is the creation of an object, if Old is nil, or an update from Old to New.
type Change struct {
	Old, New map[string]any
}

// A RuleCase is an accepted and a refused change that show what one rule does.
type RuleCase struct {
	// Reason why the rule is there.
	Reason string

	// Path and Message of the rule. Message is the rule's expression if it has no fixed message.
	Path, Message string

	// Accepted is a change that the whole schema accepts.
	Accepted Change

	// Refused is a change that the rule refuses, and that nothing but CEL rules refuses.
	Refused Change
}

// CheckRules runs a subtest for every case: its accepted change must be valid, and its refused change must be refused by
// the rule the case is about, even if the schema had no other rule. Defaults are filled in first. It is an error if a rule
// of the schema has no case, or if a case is about a rule that is not there.
func CheckRules(t *testing.T, s *Schema, cases map[string]RuleCase) {
	t.Helper()

	uncovered := map[string]Rule{}
	for _, r := range Rules(s) {
		uncovered[r.key()] = r
	}

	if len(uncovered) != len(Rules(s)) {
		t.Errorf("Rules(...): %s: two rules have the same path and message", s.crd.GetName())
	}

	all := maps.Clone(uncovered)

	for _, name := range slices.Sorted(maps.Keys(cases)) {
		tc := cases[name]
		delete(uncovered, tc.key())

		t.Run(name, func(t *testing.T) {
			r, ok := all[tc.key()]
			if !ok {
				t.Fatalf("\n%s\nno rule at %q says %q", tc.Reason, tc.Path, tc.Message)
			}

			for _, problem := range tc.problems(s, r) {
				t.Errorf("\n%s\n%s", tc.Reason, problem)
			}
		})
	}

	for _, k := range slices.Sorted(maps.Keys(uncovered)) {
		t.Errorf("no case shows what this rule does: %s", k)
	}
}

// problems returns what keeps the case from showing that the supplied rule does what it is there for.
func (c RuleCase) problems(s *Schema, r Rule) []string {
	var problems []string

	if errs := c.Accepted.validate(s); len(errs) > 0 {
		problems = append(problems, fmt.Sprintf("Validate(accepted): want no errors, got: %v", errs.ToAggregate()))
	}

	none, err := s.ruleless()
	if err != nil {
		return append(problems, err.Error())
	}

	if errs := c.Refused.validate(none); len(errs) > 0 {
		problems = append(problems, fmt.Sprintf("Validate(refused) without any rule: want no errors, got: %v", errs.ToAggregate()))
	}

	alone, err := s.only(&r)
	if err != nil {
		return append(problems, err.Error())
	}

	if errs := c.Refused.validate(alone); len(errs) == 0 {
		problems = append(problems, fmt.Sprintf("Validate(refused): want an error from the rule %q, got none", r.Rule))
	}

	return problems
}

// validate returns what an API server has against the change, after filling the defaults in.
func (c Change) validate(s *Schema) field.ErrorList {
	obj, err := s.defaulted(c.New)
	if err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}

	old, err := s.defaulted(c.Old)
	if err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}

	return s.Validate(obj, old)
}

func (r Rule) key() string {
	if r.Message == "" {
		return fmt.Sprintf("%s: %s", r.Path, r.Rule)
	}

	return fmt.Sprintf("%s: %s", r.Path, r.Message)
}

func (c RuleCase) key() string { return fmt.Sprintf("%s: %s", c.Path, c.Message) }

// defaulted returns a copy of an object with all defaults filled in. The copy of nil is nil.
func (s *Schema) defaulted(obj map[string]any) (map[string]any, error) {
	if obj == nil {
		return nil, nil
	}

	out, err := normalize(obj)
	if err != nil {
		return nil, err
	}

	s.Default(out)

	return out, nil
}

// ruleless returns the schema without any CEL rule. It is made once: every case needs it, and a large one takes a while.
func (s *Schema) ruleless() (*Schema, error) {
	if s.bare != nil {
		return s.bare, nil
	}

	bare, err := s.only(nil)
	s.bare = bare

	return bare, err
}

// only returns the schema with all CEL rules but the supplied one removed, or all of them if it is nil.
func (s *Schema) only(keep *Rule) (*Schema, error) {
	props := s.props.DeepCopy()

	walk(props, "", func(path string, node *extv1.JSONSchemaProps) {
		node.XValidations = slices.DeleteFunc(node.XValidations, func(v extv1.ValidationRule) bool {
			return keep == nil || *keep != Rule{Path: path, Rule: v.Rule, Message: v.Message}
		})
	})

	return newSchema(s.crd, props)
}

// walk visits all nodes of a schema that may have CEL rules, parents first, in the order of their paths. The visitor may
// change the nodes.
func walk(node *extv1.JSONSchemaProps, path string, visit func(path string, node *extv1.JSONSchemaProps)) {
	visit(path, node)

	for _, name := range slices.Sorted(maps.Keys(node.Properties)) {
		child := node.Properties[name]
		walk(&child, join(path, name), visit)
		node.Properties[name] = child
	}

	if node.Items != nil && node.Items.Schema != nil {
		walk(node.Items.Schema, path+"[*]", visit)
	}

	if node.AdditionalProperties != nil && node.AdditionalProperties.Schema != nil {
		walk(node.AdditionalProperties.Schema, path+"[*]", visit)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}

	return path + "." + name
}
