package shardstate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestRewind(t *testing.T) {
	r, earlier, later := rule(3, 1, p0, p0, p1, p2), rule(2, 0, p2, p0, p1, p2), rule(4, 0, p2, p0, p1, p2)
	rewind := func(id ID) []Operation {
		return []Operation{{Action: Rewind, ID: id, Pod: "pod-" + id.Name, Leader: p0, Rule: r.GetRuleNumber()}}
	}
	restoring := func(s *managerpb.Status) {
		s.PostgresAction = managerpb.PostgresAction_POSTGRES_ACTION_RESTORING_FROM_BACKUP
	}
	starting := func(s *managerpb.Status) { s.PostgresAction = managerpb.PostgresAction_POSTGRES_ACTION_STARTING }
	lasting := func(s *managerpb.Status) { s.PostgresActionDuration = durationpb.New(time.Minute) }
	cases := map[string]struct {
		reason   string
		in       Input
		stranded []ID
		want     []Operation
	}{
		"Healthy":   {reason: "Nobody is out of a healthy shard.", in: healthy()},
		"Ended":     {reason: "A server that was there and runs no more cannot follow.", in: healthy(ended(p2)), stranded: []ID{p2}, want: rewind(p2)},
		"Starting":  {reason: "One that is started in vain is so all the time.", in: healthy(ended(p2, starting)), stranded: []ID{p2}, want: rewind(p2)},
		"Stuck":     {reason: "A pooler that waits for its server, and does nothing else meanwhile, is not asked for more.", in: healthy(ended(p2, starting, lasting)), stranded: []ID{p2}},
		"Recovers":  {reason: "A server that runs and does not answer yet may recover.", in: healthy(ended(p2, func(s *managerpb.Status) { s.PostgresRunning = true })), stranded: []ID{p2}},
		"NoData":    {reason: "One without data restores itself from the backup.", in: healthy(ended(p2, func(s *managerpb.Status) { s.HasDataDirectory = false }))},
		"Restoring": {reason: "A restore that is going on is left alone.", in: healthy(ended(p2, restoring))},
		"OwnRule":   {reason: "A standby that says it leads in a term that is over is never told anything else.", in: healthy(believes(p2, earlier, "")), stranded: []ID{p2}, want: rewind(p2)},
		"Streams":   {reason: "Who receives from the leader will learn its rule.", in: healthy(believes(p2, earlier, "streaming"))},
		"Follower":  {reason: "Who follows nobody for now, and never led, catches up from the archive.", in: healthy(believes(p2, rule(2, 0, p1, p0, p1, p2), ""))},
		"Newer":     {reason: "Who knows of a later rule than the leader's makes the leader none.", in: healthy(believes(p2, later, ""))},
		"NoLeader":  {reason: "Without a leader there is nothing to rewind to.", in: healthy(silent(p0), ended(p2))},
		"NoMajority": {
			reason: "While most of the cohort do not follow, what one of them has may be needed.",
			in:     healthy(ended(p1), ended(p2)), stranded: []ID{p1, p2},
		},
		"OneAtATime": {
			reason: "One member after the other.",
			in: healthy(func(in *Input) {
				p3, p4 := ID{Cell: "a", Name: "p-3"}, ID{Cell: "b", Name: "p-4"}
				five := rule(3, 1, p0, p0, p1, p2, p3, p4)
				in.Parameters.Poolers = listed(p0, p1, p2, p3, p4)
				in.Pods["pod-p-3"], in.Pods["pod-p-4"] = Pod{UID: "3"}, Pod{UID: "4"}
				in.Answers = map[ID]Answer{p0: leads(p0, five), p1: follows(p1, five), p2: follows(p2, five)}
				ended(p3)(in)
				ended(p4)(in)
			}),
			stranded: []ID{{Cell: "a", Name: "p-3"}, {Cell: "b", Name: "p-4"}}, want: rewind(ID{Cell: "a", Name: "p-3"}),
		},
		"Removed":     {reason: "One that is to go is not brought back.", in: healthy(removed(p2), ended(p2))},
		"NoPod":       {reason: "Without a pod there is nobody to rewind.", in: healthy(ended(p2), noPod(p2))},
		"Terminating": {reason: "A pod that goes takes its server with it.", in: healthy(ended(p2), func(in *Input) { in.Pods["pod-p-2"] = Pod{UID: "u", Terminating: true} })},
		"Silent":      {reason: "Of one that does not answer nothing is known.", in: healthy(silent(p2))},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := New(tc.in)
			if diff := cmp.Diff(tc.stranded, got.Stranded, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nStranded: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want, got.Operations, cmpopts.EquateEmpty(), protocmp.Transform()); diff != "" {
				t.Errorf("%s\nOperations: -want, +got:\n%s", tc.reason, diff)
			}
			for _, v := range got.Verdicts {
				if want := len(tc.stranded) == 0; v.Type == TypeRejoined && (v.Reason == ReasonNobodyOut) != want {
					t.Errorf("%s\n%s: want %t, got %s", tc.reason, TypeRejoined, want, v.Reason)
				}
			}
		})
	}
}
