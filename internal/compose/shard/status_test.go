package shard

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

func statusOf(t testing.TB, out compose.Output) *v1alpha1.ShardStatus {
	t.Helper()
	st, ok := out.Status.(*v1alpha1.ShardStatus)
	if !ok {
		t.Fatalf("want a ShardStatus, got %T", out.Status)
	}
	return st
}

// TestStatus holds how a shard of three members reports, from what is observed of it.
func TestStatus(t *testing.T) {
	const prefix = "orders-postgres-default-0-inf-pool-main-z1-48700c48-"
	poolers := []string{"status", "atProvider", "poolers"}
	pod := func(i int) string { return naming.KeyPod("main", "z1", i) }
	orch := naming.KeyMultiOrch("z1")
	type result struct {
		Phase     v1alpha1.Phase
		Message   string
		Ready     bool
		Available string
		Degraded  string
		Rolling   string
		Backup    string
	}
	served := minimal + "status: {phase: Healthy}\n"
	serving := func(r result) result {
		r.Phase, r.Available, r.Degraded, r.Rolling, r.Backup = v1alpha1.PhaseHealthy, reasonServing, compose.ReasonAsExpected, "PodsUpToDate", "BackupComplete"
		return r
	}
	// Two of three poolers, as a provider sees them.
	two := "[" + `{pod: ` + prefix + `0, serviceID: ` + naming.ServiceID(prefix+"0") + `, cell: z1, role: PRIMARY, inCohort: true, postgresReady: true}, ` +
		`{pod: ` + prefix + `1, serviceID: ` + naming.ServiceID(prefix+"1") + `, cell: z1, role: REPLICA, inCohort: true, postgresReady: true}` + "]"
	cases := map[string]struct {
		reason string
		xr     string
		edit   func(w *world)
		want   result
	}{
		"Healthy": {
			reason: "A leader, a quorum, and all members ready and in the cohort.", xr: served, edit: func(*world) {},
			want: serving(result{Message: "Ready", Ready: true}),
		},
		"NotInCohort": {
			reason: "A member outside the cohort serves nobody: the shard is available and not ready.", xr: minimal,
			edit: func(w *world) { w.edit(naming.KeyShardRecord, two, poolers...) },
			want: func() result {
				r := serving(result{Message: "3 of 3 instances ready, 1 not in the cohort"})
				r.Phase = v1alpha1.PhaseProgressing
				return r
			}(),
		},
		"MemberNotReady": {
			reason: "One member may fail.", xr: served,
			edit: func(w *world) { w.edit(pod(2), unready, "status", "conditions") },
			want: func() result {
				r := serving(result{Message: "2 of 3 instances ready"})
				r.Phase = v1alpha1.PhaseProgressing
				return r
			}(),
		},
		"NoQuorum": {
			reason: "A leader alone takes no writes. A shard that has served is broken then.", xr: served,
			edit: func(w *world) {
				w.edit(pod(1), unready, "status", "conditions")
				w.edit(pod(2), unready, "status", "conditions")
			},
			want: result{Phase: v1alpha1.PhaseDegraded, Message: "no quorum, 1 in 1 cells serve", Available: reasonNoQuorum, Degraded: reasonNoQuorum, Rolling: "PodsUpToDate", Backup: "BackupComplete"},
		},
		"QuorumInOneCell": {
			reason: "The members agreed on a policy that wants two cells, whatever the specification says.", xr: minimal,
			edit: func(w *world) {
				w.edit(naming.KeyShardRecord, "MULTI_CELL_AT_LEAST_2", "status", "atProvider", "durabilityPolicy")
			},
			want: result{Phase: v1alpha1.PhaseProgressing, Message: "3 of 3 instances ready, no quorum, 3 in 1 cells serve", Available: reasonNoQuorum, Degraded: compose.ReasonAsExpected, Rolling: "PodsUpToDate", Backup: "BackupComplete"},
		},
		"LeaderGone": {
			reason: "The record still names a leader whose pod is dead: the kubelet knows better.", xr: minimal + "status: {phase: Progressing, leader: x}\n",
			edit: func(w *world) { w.edit(pod(0), unready, "status", "conditions") },
			want: result{Phase: v1alpha1.PhaseDegraded, Message: "leader " + prefix + "0 not ready", Available: reasonLeaderNotReady, Degraded: reasonLeaderNotReady, Rolling: "PodsUpToDate", Backup: "BackupComplete"},
		},
		"Bootstrapping": {
			reason: "A new shard without a leader is on its way.", xr: minimal,
			edit: func(w *world) { w.edit(naming.KeyShardRecord, "{}", "status", "atProvider") },
			want: result{Phase: v1alpha1.PhaseProgressing, Message: "3 of 3 instances ready, no leader", Available: reasonNoLeader, Degraded: compose.ReasonAsExpected, Rolling: "PodsUpToDate", Backup: "RecordUnknown"},
		},
		"NoRecord": {
			reason: "Nobody has looked yet.", xr: minimal,
			edit: func(w *world) { w.edit(naming.KeyShardRecord, "{}", "status") },
			want: result{Phase: v1alpha1.PhaseProgressing, Message: "3 of 3 instances ready, its record is not there yet", Available: reasonRecordUnknown, Degraded: compose.ReasonAsExpected, Rolling: "PodsUpToDate", Backup: "RecordUnknown"},
		},
		"NoBackup": {
			reason: "A shard that serves without a backup cannot take in a new member.", xr: served,
			edit: func(w *world) { w.edit(naming.KeyShardRecord, "null", "status", "atProvider", "lastBackup") },
			want: func() result {
				r := serving(result{Message: "Ready", Ready: true})
				r.Backup = "NoBackup"
				return r
			}(),
		},
		"CrashLooping": {
			reason: "A pod that keeps crashing does not come up without help.", xr: minimal,
			edit: func(w *world) {
				w.edit(pod(2), `{conditions: `+unready+`, initContainerStatuses: [{state: {waiting: {reason: CrashLoopBackOff}}}]}`, "status")
			},
			want: result{Phase: v1alpha1.PhaseDegraded, Message: "pod " + prefix + "2 keeps crashing", Available: reasonServing, Degraded: "CrashLooping", Rolling: "PodsUpToDate", Backup: "BackupComplete"},
		},
		"OrchestratorsDown": {
			reason: "Orchestrators that are not ready for long replace no leader.", xr: served,
			edit: func(w *world) { w.edit(orch, "0", "status", "readyReplicas") },
			want: result{Phase: v1alpha1.PhaseDegraded, Message: "orchestrators in z1 are not ready", Available: reasonServing, Degraded: "OrchestratorsNotReady", Rolling: "PodsUpToDate", Backup: "BackupComplete"},
		},
		"OrchestratorsRolling": {
			reason: "Orchestrators that are being replaced are on their way.", xr: served,
			edit: func(w *world) {
				w.edit(orch, "0", "status", "readyReplicas")
				w.edit(orch, "b", "status", "updateRevision")
			},
			want: func() result {
				r := serving(result{Message: "3 of 3 instances ready, orchestrators not ready"})
				r.Phase = v1alpha1.PhaseProgressing
				return r
			}(),
		},
		"OrchestratorsNew": {
			reason: "Orchestrators of a new cell take their time.", xr: served,
			edit: func(w *world) {
				w.edit(orch, "0", "status", "readyReplicas")
				w.edit(orch, `"2026-01-01T00:58:00Z"`, "metadata", "creationTimestamp")
			},
			want: func() result {
				r := serving(result{Message: "3 of 3 instances ready, orchestrators not ready"})
				r.Phase = v1alpha1.PhaseProgressing
				return r
			}(),
		},
		"Outdated": {
			reason: "A shard serves while its pods wait to be replaced.", xr: served,
			edit: func(w *world) {
				w.edit(pod(0), "old", "metadata", "annotations", naming.AnnotationSpecHash)
				w.edit(pod(1), "null", "metadata", "annotations")
			},
			want: func() result {
				r := serving(result{Message: "Ready, 1 of 3 instances updated", Ready: true})
				r.Rolling = reasonReplacing
				return r
			}(),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, minimal, nil)
			w.settle()
			w.set(tc.xr)
			tc.edit(w)
			out := w.compose()
			st := statusOf(t, out)
			got := result{Phase: st.Phase, Message: st.Message, Ready: out.Ready}
			for _, c := range out.Conditions {
				switch c.Type {
				case TypeAvailable:
					got.Available = c.Reason
				case compose.TypeDegraded:
					got.Degraded = c.Reason
				case TypeRollingUpdate:
					got.Rolling = c.Reason
				case TypeBackupHealthy:
					got.Backup = c.Reason
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
			if !out.Ready && !out.InProgress {
				t.Error("what is not ready is in progress")
			}
		})
	}
}

// TestPostgresConfigStatus holds when a change of the settings has not reached everybody yet.
func TestPostgresConfigStatus(t *testing.T) {
	key := naming.KeyPod("main", "z1", 0)
	cases := map[string]struct {
		reason string
		edit   func(w *world)
		want   bool
	}{
		"Settled": {reason: "All pods carry the hashes of the settings.", edit: func(*world) {}},
		"Restart": {reason: "A pod was made for other settings.", edit: func(w *world) {
			w.edit(key, "old", "metadata", "annotations", naming.AnnotationPostgresConfigHash)
		}, want: true},
		"Reload": {reason: "A pod has not been told of the latest settings.", edit: func(w *world) {
			w.edit(key, "old", "metadata", "annotations", naming.AnnotationPostgresReloadHash)
		}, want: true},
		"Pending": {reason: "A server says that it must restart.", edit: func(w *world) {
			w.edit(naming.KeyShardRecord, "[{pod: p, serviceID: a, cell: z1, restartPending: true}]", "status", "atProvider", "poolers")
		}, want: true},
		"Terminating": {reason: "A pod on its way out needs no settings.", edit: func(w *world) {
			w.edit(key, "old", "metadata", "annotations", naming.AnnotationPostgresReloadHash)
			w.edit(key, created, "metadata", "deletionTimestamp")
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, minimal, nil)
			w.settle()
			tc.edit(w)
			if got := statusOf(t, w.compose()).PostgresConfig.InProgress; got != tc.want {
				t.Errorf("\n%s\nwant %v, got %v", tc.reason, tc.want, got)
			}
		})
	}
}

// TestEvents holds that a shard tells of a change of its phase once, when it happens.
func TestEvents(t *testing.T) {
	w := newWorld(t, minimal, nil)
	if out := w.settle(); len(out.Events) > 0 {
		t.Errorf("a shard without a former phase has nothing to tell, got %v", out.Events)
	}
	w.set(minimal + "status: {phase: Progressing}\n")
	want := []compose.Event{{Reason: "PhaseChange", Message: "phase changed from Progressing to Healthy: Ready"}}
	if diff := cmp.Diff(want, w.compose().Events); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	w.set(minimal + "status: {phase: Healthy}\n")
	if out := w.compose(); len(out.Events) > 0 {
		t.Errorf("want no event, got %v", out.Events)
	}
}

// TestMalformedRecord holds that nonsense in a status stops nothing: what it says is not known.
func TestMalformedRecord(t *testing.T) {
	w := newWorld(t, minimal, nil)
	w.settle()
	w.edit(naming.KeyShardRecord, "{leaderPod: 5, term: x, poolers: {}, lastBackup: no}", "status", "atProvider")
	st := statusOf(t, w.compose())
	if st.Leader != "" || st.Term != 0 || len(st.PodRoles) > 0 {
		t.Errorf("want nothing known, got %+v", st)
	}
}
