package shardrecord

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
)

func TestRewinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRewinds(time.Now)
		one := stranded{id: shardstate.ID{Cell: "a", Name: "p-0"}, pod: "1"}
		two := stranded{id: shardstate.ID{Cell: "b", Name: "p-1"}, pod: "2"}
		again := stranded{id: one.id, pod: "3"}
		begun := 0
		end := make(chan error)
		do := func(ctx context.Context) error {
			begun++
			select {
			case err := <-end:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		silent := func(stranded) bool { return false }
		try := func(s stranded, want int, reason string) {
			t.Helper()
			r.begin(t.Context(), "shard", s, do)
			synctest.Wait()
			if begun != want {
				t.Fatalf("%s: %d rewinds, want %d", reason, begun, want)
			}
		}
		says := func(want, reason string) {
			t.Helper()
			synctest.Wait()
			if v, ok := r.verdict("shard"); v.Reason != want || ok != (want != "") {
				t.Errorf("%s: %q, want %q", reason, v.Reason, want)
			}
		}

		try(one, 0, "Nobody should be rewound who was not seen to be stranded")
		r.see("shard", []stranded{one}, silent)
		try(one, 0, "Multigres should be given time")
		time.Sleep(rewindPatience - time.Second)
		r.see("shard", nil, silent)
		r.see("shard", []stranded{one}, silent)
		time.Sleep(time.Second)
		try(one, 0, "Who was well meanwhile should have its time anew")
		says("", "Nothing should be said before anything is done")
		time.Sleep(rewindPatience)
		r.see("shard", []stranded{one, two}, silent)
		try(one, 1, "Who is stranded for long should be rewound")
		says(shardstate.ReasonRewinding, "A rewind should be seen")
		time.Sleep(time.Hour)
		r.see("shard", []stranded{one, two}, silent)
		try(one, 1, "A rewind should not be begun twice")
		try(two, 1, "One member of a shard should be rewound at a time")
		r.see("shard", []stranded{two}, silent)
		try(two, 1, "One that is still rewound counts, stranded or not")
		r.begin(t.Context(), "other", two, do)
		end <- errBoom
		r.see("shard", []stranded{one, two}, silent)
		says(shardstate.ReasonRewindFailed, "Why it failed should be said")
		try(one, 1, "It should not be tried again at once")
		try(two, 2, "Another one's turn has come")
		end <- nil
		time.Sleep(rewindPause)
		try(one, 3, "It should be tried again")
		end <- nil
		synctest.Wait()
		says("", "What was done should not be said to fail")
		time.Sleep(rewindPause)
		try(one, 4, "It should be tried again if it did not help")
		r.see("shard", nil, silent)
		says(shardstate.ReasonRewinding, "A pooler that does not answer may be rewound just now")
		r.see("shard", nil, func(stranded) bool { return true })
		synctest.Wait()
		r.see("shard", nil, silent)
		says("", "A rewind that did not begin before the server was back should not begin")
		r.see("shard", []stranded{again}, silent)
		try(again, 4, "A new pod should be given time")
		r.forget("shard")
		time.Sleep(rewindPatience)
		try(again, 4, "Nothing should be done about a shard that is gone")
	})
}
