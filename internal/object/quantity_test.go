package object

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestParseQuantity(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     string
		want   string
		err    error
	}{
		"Binary":       {reason: "Binary suffixes are read.", in: "10Gi", want: "10Gi"},
		"Milli":        {reason: "Decimal suffixes are read.", in: "500m", want: "500m"},
		"Fraction":     {reason: "Fractions are read.", in: ".5", want: "500m"},
		"Negative":     {reason: "A sign is read; whether it makes sense is for others to say.", in: "-1", want: "-1"},
		"Exponent":     {reason: "Exponents are read.", in: "1e3", want: "1e3"},
		"Empty":        {reason: "Nothing is no quantity.", err: ErrNoQuantity},
		"Word":         {reason: "A word is no quantity.", in: "huge", err: ErrNoQuantity},
		"HugeExponent": {reason: "The library's parser would take minutes over this.", in: "1e-1000000000", err: ErrNoQuantity},
		"Long":         {reason: "More digits than any quantity needs.", in: strings.Repeat("9", 100), err: ErrNoQuantity},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ParseQuantity(tc.in)
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nParseQuantity(...): -want, +got:\n%s", tc.reason, diff)
			}
			if tc.err == nil && got.Cmp(resource.MustParse(tc.want)) != 0 {
				t.Errorf("\n%s\nParseQuantity(...): want %s, got %s", tc.reason, tc.want, got.String())
			}
		})
	}
}

func TestDecodeHugeExponent(t *testing.T) {
	for _, in := range []string{`{size: "1e-1000000000"}`, `{size: 1.0e+300}`, `{sizes: {a: "0.1e-3000000"}}`} {
		if errs := Decode(parse(t, in), &sample{}); len(errs) != 1 {
			t.Errorf("Decode(%s): want one error, got %v", in, errs)
		}
	}
}
