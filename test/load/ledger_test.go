package load

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(seconds float64) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

func TestOutage(t *testing.T) {
	type want struct {
		Longest time.Duration
		Began   time.Time
	}
	cases := map[string]struct {
		reason   string
		acks     []float64
		from, to float64
		want     want
	}{
		"Inside": {
			reason: "the longest gap within the span counts",
			acks:   []float64{1, 2, 3, 7, 8, 10}, from: 2, to: 9,
			want: want{Longest: 4 * time.Second, Began: at(3)},
		},
		"BeganBefore": {
			reason: "a gap that began just before the event is not cut short by it",
			acks:   []float64{1, 6, 7, 8}, from: 2, to: 8,
			want: want{Longest: 5 * time.Second, Began: at(1)},
		},
		"EndsAfter": {
			reason: "a gap that lasts longer than the span is not cut short by its end",
			acks:   []float64{1, 2, 9, 30}, from: 1, to: 4,
			want: want{Longest: 7 * time.Second, Began: at(2)},
		},
		"NotOver": {
			reason: "a gap that has no end yet lasts until the span's end",
			acks:   []float64{1, 2}, from: 1, to: 8,
			want: want{Longest: 6 * time.Second, Began: at(2)},
		},
		"OutsideOnly": {
			reason: "a longer gap before the span is another event's",
			acks:   []float64{0, 50, 51, 52}, from: 51, to: 52,
			want: want{Longest: time.Second, Began: at(51)},
		},
		"Nothing": {
			reason: "without any acknowledgement the whole span is an outage",
			from:   1, to: 4,
			want: want{Longest: 3 * time.Second, Began: at(1)},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			l := &Ledger{}
			for i, a := range tc.acks {
				l.Acknowledge(int64(i), at(a))
			}
			got := want{}
			got.Longest, got.Began = l.Outage(at(tc.from), at(tc.to))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s: Outage(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestLost(t *testing.T) {
	l := &Ledger{}
	for i := range int64(5) {
		l.Acknowledge(i, at(float64(i)))
	}
	if diff := cmp.Diff([]int64{1, 4}, l.Lost(map[int64]bool{0: true, 2: true, 3: true, 9: true})); diff != "" {
		t.Errorf("acknowledged rows that were not read back are lost, others do not matter: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(2, l.Since(at(2))); diff != "" {
		t.Errorf("rows acknowledged at the very time were before it: -want, +got:\n%s", diff)
	}
}
