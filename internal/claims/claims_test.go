package claims

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A place is a context.
type place struct {
	Root string `json:"root"`
}

var (
	a = place{Root: "/a"}
	b = place{Root: "/b"}
)

func TestWidenAndNarrow(t *testing.T) {
	want := Claim[place]{Context: a, Items: Items{"x": "2", "y": "1"}}
	cases := map[string]struct {
		reason  string
		claims  Claims[place]
		desired Claim[place]
		pending []place
		wide    Claims[place]
		narrow  Claims[place]
	}{
		"First": {
			reason:  "What is desired is claimed before it is written.",
			desired: want,
			wide:    Claims[place]{want},
			narrow:  Claims[place]{want},
		},
		"SameContext": {
			reason:  "What is desired no more stays claimed until it is removed.",
			claims:  Claims[place]{{Context: a, Items: Items{"x": "1", "old": "1"}}},
			desired: want,
			wide:    Claims[place]{{Context: a, Items: Items{"x": "2", "y": "1", "old": "1"}}},
			narrow:  Claims[place]{want},
		},
		"ContextChanged": {
			reason:  "A previous context stays claimed until it is clean.",
			claims:  Claims[place]{{Context: b, Items: Items{"x": "1"}}},
			desired: want,
			wide:    Claims[place]{{Context: b, Items: Items{"x": "1"}}, want},
			narrow:  Claims[place]{want},
		},
		"Pending": {
			reason:  "A previous context that cannot be reached stays claimed.",
			claims:  Claims[place]{{Context: b, Items: Items{"x": "1"}}},
			desired: want,
			pending: []place{b},
			wide:    Claims[place]{{Context: b, Items: Items{"x": "1"}}, want},
			narrow:  Claims[place]{{Context: b, Items: Items{"x": "1"}}, want},
		},
		"DesiredPending": {
			reason:  "Nothing is forgotten in the desired context while it cannot be reached.",
			claims:  Claims[place]{{Context: a, Items: Items{"old": "1"}}},
			desired: want,
			pending: []place{a},
			wide:    Claims[place]{{Context: a, Items: Items{"x": "2", "y": "1", "old": "1"}}},
			narrow:  Claims[place]{{Context: a, Items: Items{"x": "2", "y": "1", "old": "1"}}},
		},
		"NoItems": {
			reason:  "A context may hold nothing.",
			claims:  Claims[place]{{Context: a}},
			desired: Claim[place]{Context: a},
			wide:    Claims[place]{{Context: a, Items: Items{}}},
			narrow:  Claims[place]{{Context: a, Items: Items{}}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.wide, tc.claims.Widen(tc.desired)); diff != "" {
				t.Errorf("\n%s\nWiden(...): -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.narrow, tc.claims.Narrow(tc.desired, tc.pending...)); diff != "" {
				t.Errorf("\n%s\nNarrow(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestAliasing(t *testing.T) {
	c := Claims[place]{{Context: a, Items: Items{"x": "1"}}}
	desired := Claim[place]{Context: b, Items: Items{"y": "1"}}
	wide := c.Widen(desired)
	for _, claim := range wide {
		claim.Items["new"] = "1"
	}
	if diff := cmp.Diff([]Items{{"x": "1"}, {"y": "1"}}, []Items{c[0].Items, desired.Items}); diff != "" {
		t.Errorf("\nClaims share nothing with those that they are made from.\n-want, +got:\n%s", diff)
	}
}

func TestEqual(t *testing.T) {
	one := Claims[place]{{Context: a, Items: Items{"x": "1"}}, {Context: b}}
	cases := map[string]struct {
		reason string
		other  Claims[place]
		want   bool
	}{
		"Order":        {reason: "Order does not matter.", other: Claims[place]{{Context: b, Items: Items{}}, {Context: a, Items: Items{"x": "1"}}}, want: true},
		"Hash":         {reason: "Content matters.", other: Claims[place]{{Context: a, Items: Items{"x": "2"}}, {Context: b}}},
		"Fewer":        {reason: "All contexts matter.", other: Claims[place]{{Context: a, Items: Items{"x": "1"}}}},
		"OtherContext": {reason: "Contexts matter.", other: Claims[place]{{Context: a, Items: Items{"x": "1"}}, {Context: place{Root: "/c"}}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, one.Equal(tc.other)); diff != "" {
				t.Errorf("\n%s\nEqual(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestContexts(t *testing.T) {
	c := Claims[place]{{Context: b}, {Context: a}}
	if diff := cmp.Diff([]place{a, b}, c.Contexts(a)); diff != "" {
		t.Errorf("\nEach context is observed once, the desired one first.\nContexts(...): -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff([]place{a}, Claims[place]{}.Contexts(a)); diff != "" {
		t.Errorf("\nThe desired context is observed even if nothing is claimed.\nContexts(...): -want, +got:\n%s", diff)
	}
}

func TestHash(t *testing.T) {
	hash := func(v any) string {
		s, err := Hash(v)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one := hash(map[string]int{"a": 1, "b": 2})
	if diff := cmp.Diff(one, hash(map[string]int{"b": 2, "a": 1})); diff != "" {
		t.Errorf("\nEqual content has equal hashes.\nHash(...): -want, +got:\n%s", diff)
	}
	if one == hash(map[string]int{"a": 1}) {
		t.Error("Other content has another hash.")
	}
	if diff := cmp.Diff(32, len(one)); diff != "" {
		t.Errorf("\nHashes are short.\nHash(...): -want, +got:\n%s", diff)
	}
}
