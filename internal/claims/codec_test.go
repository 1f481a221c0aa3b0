package claims

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestEncode(t *testing.T) {
	cases := map[string]struct {
		reason string
		claims Claims[place]
		want   string
		err    error
	}{
		"None": {
			reason: "No claims are an empty list.",
			want:   `{"v":1,"uid":"u","gen":7,"claims":[]}`,
		},
		"Sorted": {
			reason: "Contexts and ids are sorted, so that equal claims are equal text.",
			claims: Claims[place]{{Context: b, Items: Items{"z": "1", "y": "2"}}, {Context: a}},
			want:   `{"v":1,"uid":"u","gen":7,"claims":[{"ctx":{"root":"/a"},"items":{}},{"ctx":{"root":"/b"},"items":{"y":"2","z":"1"}}]}`,
		},
		"TooLarge": {
			reason: "More than the budget is refused before the API server does it.",
			claims: Claims[place]{{Context: a, Items: Items{strings.Repeat("x", Budget): "1"}}},
			err:    ErrTooLarge,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Encode(tc.claims, "u", 7)
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nEncode(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nEncode(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestEncodeImpossible(t *testing.T) {
	_, err := Encode(Claims[complex128]{{Context: 1}}, "u", 1)
	if diff := cmp.Diff(cmpopts.AnyError, err, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("\nA context that is no JSON is an error.\nEncode(...): -want error, +got error:\n%s", diff)
	}
	_, err = Hash(complex(1, 1))
	if diff := cmp.Diff(cmpopts.AnyError, err, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("\nContent that is no JSON is an error.\nHash(...): -want error, +got error:\n%s", diff)
	}
}

func TestBudget(t *testing.T) {
	size := func(n int) (string, error) {
		return Encode(Claims[place]{{Context: a, Items: Items{strings.Repeat("x", n): ""}}}, "u", 1)
	}
	empty, err := size(0)
	if err != nil {
		t.Fatal(err)
	}
	full, err := size(Budget - len(empty))
	if err != nil || len(full) != Budget {
		t.Errorf("\nThe budget may be used up.\nEncode(...): got %d bytes, %v", len(full), err)
	}
	_, err = size(Budget - len(empty) + 1)
	if diff := cmp.Diff(ErrTooLarge, err, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("\nOne byte more is too many.\nEncode(...): -want error, +got error:\n%s", diff)
	}
}

func TestDecode(t *testing.T) {
	cases := map[string]struct {
		reason     string
		annotation string
		want       Claims[place]
		err        error
	}{
		"Absent": {
			reason: "No annotation is no claims.",
		},
		"Valid": {
			reason:     "What was encoded is decoded.",
			annotation: `{"v":1,"uid":"u","gen":7,"claims":[{"ctx":{"root":"/a"},"items":{"x":"1"}}]}`,
			want:       Claims[place]{{Context: a, Items: Items{"x": "1"}}},
		},
		"NoJSON":        {reason: "Damage is not the same as no claims.", annotation: `{`, err: ErrUnreadable},
		"Blank":         {reason: "Damage is not the same as no claims.", annotation: ` `, err: ErrUnreadable},
		"EmptyObject":   {reason: "Claims say who made them.", annotation: `{}`, err: ErrUnreadable},
		"NoUID":         {reason: "Claims say who made them.", annotation: `{"v":1}`, err: ErrUnreadable},
		"NoVersion":     {reason: "Claims say in which format they are.", annotation: `{"uid":"u"}`, err: ErrUnreadable},
		"Newer":         {reason: "What a later version wrote is not guessed at.", annotation: `{"v":2,"uid":"u","claims":[]}`, err: ErrUnreadable},
		"Foreign":       {reason: "A copy does not own what the original wrote.", annotation: `{"v":1,"uid":"w","claims":[]}`, err: ErrForeign},
		"ForeignNewer":  {reason: "What others wrote need not be readable.", annotation: `{"v":9,"uid":"w","claims":{}}`, err: ErrForeign},
		"UnknownField":  {reason: "A context that is read in part is another place.", annotation: `{"v":1,"uid":"u","claims":[{"ctx":{"root":"/a","cell":"z"},"items":{}}]}`, err: ErrUnreadable},
		"WrongType":     {reason: "Claims are a list.", annotation: `{"v":1,"uid":"u","claims":{}}`, err: ErrUnreadable},
		"Twice":         {reason: "There is one claim per context.", annotation: `{"v":1,"uid":"u","claims":[{"ctx":{"root":"/a"}},{"ctx":{"root":"/a"}}]}`, err: ErrUnreadable},
		"TrailingValue": {reason: "There is one value.", annotation: `{"v":1,"uid":"u","claims":[]} {}`, err: ErrUnreadable},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Decode[place](tc.annotation, "u")
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nDecode(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nDecode(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Claims[place]
		for _, p := range []place{a, b, {Root: "/c"}} {
			if rapid.Bool().Draw(t, "claimed") {
				c = append(c, Claim[place]{Context: p, Items: rapid.MapOf(rapid.StringMatching(`[ -~é]{0,9}`), rapid.StringMatching(`[0-9a-f]{4}`)).Draw(t, "items")})
			}
		}
		s, err := Encode(c, "u", 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode[place](s, "u")
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(c) {
			t.Errorf("\nWhat is encoded is decoded: -want, +got:\n%s", cmp.Diff(c, got))
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"v":1,"uid":"u","gen":7,"claims":[{"ctx":{"root":"/a"},"items":{"x":"1"}}]}`)
	f.Add(`{`)
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Decode[place](s, "u")
		if err != nil && c != nil {
			t.Errorf("\nThere are no claims beside an error: got %v", c)
		}
	})
}
