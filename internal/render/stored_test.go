package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStored(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     string
		want   string
	}{
		"StringData": {
			reason: "The plain strings of a Secret are encoded, and win over data of the same name.",
			in:     `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: YQ==, b: Yg==}, stringData: {b: c, d: d}}`,
			want:   `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: YQ==, b: Yw==, d: ZA==}}`,
		},
		"Data": {
			reason: "A Secret without plain strings stays as it is.",
			in:     `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: YQ==}}`,
			want:   `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: YQ==}}`,
		},
		"Other": {
			reason: "Another kind may have a field of the same name.",
			in:     `{apiVersion: example.org/v1, kind: Secret, metadata: {name: s}, stringData: {a: a}}`,
			want:   `{apiVersion: example.org/v1, kind: Secret, metadata: {name: s}, stringData: {a: a}}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(parse(t, tc.want), stored(parse(t, tc.in))); diff != "" {
				t.Errorf("\n%s\nstored(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
