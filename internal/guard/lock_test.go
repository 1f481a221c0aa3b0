package guard

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me  = Identity{Holder: "me", Token: 5}
)

// lockOf returns the annotation of a lock.
func lockOf(t *testing.T, holder string, token int64, at time.Time) string {
	t.Helper()
	s, err := Lock{Operation: OperationUpdate, Holder: holder, Token: token, Generation: 1, At: at}.encode()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJudge(t *testing.T) {
	cases := map[string]struct {
		reason     string
		annotation string
		want       Verdict
		breakable  bool
	}{
		"Free":       {reason: "Without an annotation there is no lock.", want: VerdictFree},
		"Own":        {reason: "A replica breaks what it left when it crashed.", annotation: lockOf(t, "me", 5, now), want: VerdictOwn, breakable: true},
		"OwnHigher":  {reason: "A lock of its own is its own whatever the token.", annotation: lockOf(t, "me", 9, now), want: VerdictOwn, breakable: true},
		"Deposed":    {reason: "A leader breaks the locks of its predecessors.", annotation: lockOf(t, "other", 4, now), want: VerdictDeposed, breakable: true},
		"Held":       {reason: "A fresh lock of the same leadership is waited for.", annotation: lockOf(t, "other", 5, now), want: VerdictHeld},
		"Later":      {reason: "A fresh lock of a later leader is waited for.", annotation: lockOf(t, "other", 6, now), want: VerdictHeld},
		"AlmostOld":  {reason: "A lock is waited for until it is old.", annotation: lockOf(t, "other", 5, now.Add(-time.Minute)), want: VerdictHeld},
		"Old":        {reason: "No operation lasts that long.", annotation: lockOf(t, "other", 5, now.Add(-time.Minute-1)), want: VerdictOld, breakable: true},
		"LaterOld":   {reason: "Not even a later leader holds a lock for ever.", annotation: lockOf(t, "other", 6, now.Add(-time.Hour)), want: VerdictOld, breakable: true},
		"Future":     {reason: "A clock that is wrong does not hold a lock for ever.", annotation: lockOf(t, "other", 5, now.Add(time.Hour)), want: VerdictOld, breakable: true},
		"Unreadable": {reason: "What is no lock does not lock.", annotation: "{", want: VerdictUnreadable, breakable: true},
		"NoHolder":   {reason: "A lock that nobody holds does not lock.", annotation: "{}", want: VerdictUnreadable, breakable: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := judge(tc.annotation, me, now, time.Minute)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\njudge(...): -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.breakable, got.Breakable()); diff != "" {
				t.Errorf("\n%s\nBreakable(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
