package bed

import (
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
)

func TestValidate(t *testing.T) {
	cases := map[string]struct {
		reason string
		name   string
		err    error
	}{
		"Good":  {reason: "Letters and digits are fine.", name: "bed2"},
		"Empty": {reason: "A bed without a name would take all beds down.", name: "", err: errName},
		"Long":  {reason: "Names of namespaces and groups are made of it.", name: "bedbedbed", err: errName},
		"Dash":  {reason: "A dash ends the bed's name in the names of its parts.", name: "a-b", err: errName},
		"Path":  {reason: "It is part of paths that are removed.", name: "../x", err: errName},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if err := (Config{Name: tc.name}).Validate(); !errors.Is(err, tc.err) {
				t.Errorf("\n%s\nValidate(): want %v, got %v", tc.reason, tc.err, err)
			}
		})
	}
}

func TestNodes(t *testing.T) {
	type node struct{ name, address, pods, zone string }
	var got []node
	for _, n := range (Config{Zones: []string{"a", "b"}}).Nodes() {
		got = append(got, node{n.Name(), n.Address(), n.Pods(), n.Zone})
	}
	want := []node{{"n1", "10.209.0.11", "10.211.1.0/24", "a"}, {"n2", "10.209.0.12", "10.211.2.0/24", "b"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(node{})); diff != "" {
		t.Errorf("Nodes(): -want, +got:\n%s", diff)
	}
}
