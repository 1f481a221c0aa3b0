package naming

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestJoin(t *testing.T) {
	shard := []string{"test-cluster", "postgres", "default", "0-inf"}

	cases := map[string]struct {
		reason string
		c      Constraint
		parts  []string
		want   string
	}{
		"TwoParts": {
			reason: "The vector every implementation of the algorithm starts from.",
			c:      Default,
			parts:  []string{"hello", "world"},
			want:   "hello-world-344ce285",
		},
		"NoParts": {
			reason: "Nothing to join is an empty name, not a lone hash.",
			c:      Default,
			want:   "",
		},
		"PodBase": {
			reason: "A pod's base name that fits 60 characters is not shortened.",
			c:      Pod,
			parts:  append(slices.Clone(shard), "pool", "main", "z1"),
			want:   "test-cluster-postgres-default-0-inf-pool-main-z1-67edfaca",
		},
		"MinimalPodBase": {
			reason: "The pod of the smallest cluster.",
			c:      Pod,
			parts:  []string{"minimal", "postgres", "default", "0-inf", "pool", "default", "zone-a"},
			want:   "minimal-postgres-default-0-inf-pool-default-zone-a-a3a0d77b",
		},
		"TruncatedPodBase": {
			reason: "A name that is too long is exactly as long as allowed, keeps its start, and a dash at the cut stays.",
			c:      Pod,
			parts:  []string{"very-long-cluster-name-for-testing", "long-database-name", "long-tablegroup", "long-shard", "pool", "main-pool", "us-east-1a"},
			want:   "very-long-cluster-name-for-testing-long-database----2353f872",
		},
		"TruncatedHeadlessService": {
			reason: "A Service name is cut at 63 characters.",
			c:      Service,
			parts:  append(slices.Clone(shard), "pool", "main", "z1", "headless"),
			want:   "test-cluster-postgres-default-0-inf-pool-main-z1-hea---c1c75107",
		},
		"PoolPDB": {
			reason: "A name of 62 characters still fits a Service name.",
			c:      Service,
			parts:  append(slices.Clone(shard), "pool", "main", "z1", "pdb"),
			want:   "test-cluster-postgres-default-0-inf-pool-main-z1-pdb-cbf1285c",
		},
		"BackupClaimOfCell": {
			reason: "A backup claim per cell, as earlier operators had it.",
			c:      Service,
			parts:  append(append([]string{"backup-data"}, shard...), "z1"),
			want:   "backup-data-test-cluster-postgres-default-0-inf-z1-fef9c6a4",
		},
		"Shard": {
			reason: "A composite that fits 63 characters has the name Default would give.",
			c:      XR,
			parts:  shard,
			want:   "test-cluster-postgres-default-0-inf-a2a83906",
		},
		"EmptyFirstPart": {
			reason: "An empty first part is marked by an x so that the name starts with a letter.",
			c:      Default,
			parts:  []string{"", "a"},
			want:   "x-a-" + Hash("", "a"),
		},
		"DigitFirstInXR": {
			reason: "A composite may start with a digit.",
			c:      XR,
			parts:  []string{"0-inf"},
			want:   "0-inf-" + Hash("0-inf"),
		},
		"DigitFirstInService": {
			reason: "A Service must start with a letter.",
			c:      Service,
			parts:  []string{"0-inf"},
			want:   "x0-inf-" + Hash("0-inf"),
		},
		"DashFirst": {
			reason: "No name starts with a dash.",
			c:      Default,
			parts:  []string{"-a"},
			want:   "x-a-" + Hash("-a"),
		},
		"Unicode": {
			reason: "Every rune outside ASCII becomes one dash, the hash is of the original.",
			c:      Service,
			parts:  []string{"Ünï_Code", "日本"},
			want:   "x-n--code----" + Hash("Ünï_Code", "日本"),
		},
		"InvalidUTF8": {
			reason: "Bytes that are no text become dashes.",
			c:      Service,
			parts:  []string{"a\xff\xfeb"},
			want:   "a--b-" + Hash("a\xff\xfeb"),
		},
		"ZeroConstraint": {
			reason: "A constraint nobody set behaves like Default.",
			parts:  []string{"hello", "world"},
			want:   "hello-world-344ce285",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := Join(tc.c, tc.parts...)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nJoin(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	long := strings.Repeat("a", 10000)

	cases := map[string]struct {
		reason string
		c      Constraint
		parts  []string
		want   string
	}{
		"Valid": {
			reason: "Names of singletons are guessable.",
			c:      Service,
			parts:  []string{"minimal", "multigateway"},
			want:   "minimal-multigateway",
		},
		"TooLong": {
			reason: "A name that is too long is joined with a hash.",
			c:      Service,
			parts:  []string{long, "multigateway"},
			want:   Join(Service, long, "multigateway"),
		},
		"Dot": {
			reason: "A dot is no character of a DNS label.",
			c:      Service,
			parts:  []string{"a.b", "multigateway"},
			want:   Join(Service, "a.b", "multigateway"),
		},
		"DigitFirst": {
			reason: "A Service must start with a letter.",
			c:      Service,
			parts:  []string{"1a", "multigateway"},
			want:   Join(Service, "1a", "multigateway"),
		},
		"DashLast": {
			reason: "No name ends with a dash.",
			c:      Service,
			parts:  []string{"a", ""},
			want:   Join(Service, "a", ""),
		},
		"Empty": {
			reason: "No name is empty.",
			c:      Service,
			parts:  []string{""},
			want:   Join(Service, ""),
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := plain(tc.c, tc.parts...)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nplain(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

var constraints = map[string]Constraint{
	"Default":     Default,
	"XR":          XR,
	"Service":     Service,
	"StatefulSet": StatefulSet,
	"Pod":         Pod,
}

// drawParts draws one to eight parts as a user may write them. A zero byte is
// left out: no Kubernetes name can hold one, and the hash separates by it.
func drawParts(t *rapid.T, label string) []string {
	part := rapid.OneOf(
		rapid.StringMatching(`[a-z0-9-]{0,40}`),
		rapid.StringMatching(`[A-Za-z0-9._ -]{0,80}`),
		rapid.Map(rapid.String(), func(s string) string { return strings.ReplaceAll(s, "\x00", "") }),
	)
	return rapid.SliceOfN(part, 1, 8).Draw(t, label)
}

var (
	labelOrLetterFirst = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	labelOrDigitFirst  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
)

// checkName fails t if a name breaks what Join promises for a constraint.
func checkName(t interface{ Errorf(string, ...any) }, c Constraint, parts []string, name string) {
	if len(name) > c.MaxLength() {
		t.Errorf("Join(%q): %d characters, allowed are %d", parts, len(name), c.MaxLength())
	}
	want := labelOrDigitFirst
	if c.letterFirst {
		want = labelOrLetterFirst
	}
	if !want.MatchString(name) {
		t.Errorf("Join(%q): %q does not match %s", parts, name, want)
	}
	if !strings.HasSuffix(name, "-"+Hash(parts...)) {
		t.Errorf("Join(%q): %q does not end with the hash %s", parts, name, Hash(parts...))
	}
}

func TestJoinProperties(t *testing.T) {
	for name, c := range constraints {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			a, b := drawParts(t, "a"), drawParts(t, "b")

			got := Join(c, a...)
			checkName(t, c, a, got)

			if again := Join(c, slices.Clone(a)...); again != got {
				t.Errorf("Join(%q): %q and then %q", a, got, again)
			}
			if !slices.Equal(a, b) && Join(c, b...) == got {
				t.Errorf("Join: %q and %q both give %q", a, b, got)
			}
		}))
	}
}

func TestXRIsDefaultWhenShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := drawParts(t, "parts")
		want := Join(Default, parts...)
		if got := Join(XR, parts...); len(want) <= XR.MaxLength() && got != want {
			t.Errorf("Join(%q): Default gives %q, XR gives %q", parts, want, got)
		}
	})
}

func TestJoinLongInput(t *testing.T) {
	for name, c := range constraints {
		t.Run(name, func(t *testing.T) {
			for _, s := range []string{strings.Repeat("a", 10000), strings.Repeat("日", 10000), strings.Repeat(".", 10000)} {
				got := Join(c, s, "x")
				checkName(t, c, []string{s, "x"}, got)
				if len(got) != c.MaxLength() {
					t.Errorf("Join(...): a shortened name has %d characters, want exactly %d", len(got), c.MaxLength())
				}
			}
		})
	}
}

func FuzzJoin(f *testing.F) {
	f.Add("hello", "world")
	f.Add("", "")
	f.Add("0-inf", "日本")
	f.Add("a\xff", strings.Repeat("A", 300))

	f.Fuzz(func(t *testing.T, a, b string) {
		for _, c := range constraints {
			checkName(t, c, []string{a, b}, Join(c, a, b))
		}
	})
}

func BenchmarkJoin(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = Join(Pod, "minimal", "postgres", "default", "0-inf", "pool", "default", "zone-a")
	}
}
