package shard

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// keepingOf are the conditions about the schedule and the retention.
func keepingOf(out compose.Output) []compose.Condition {
	var got []compose.Condition
	for _, c := range out.Conditions {
		if c.Type == TypeBackupsOnSchedule || c.Type == TypeSurplusBackupsRemoved {
			got = append(got, c)
		}
	}
	return got
}

// TestBackups holds what the record is told of backups, and what the shard shows of what it says.
func TestBackups(t *testing.T) {
	const volume = "storage: {size: 10Gi}}}"
	with := func(more string) string {
		return strings.Replace(minimal, volume, "storage: {size: 10Gi}}, "+more+"}", 1)
	}
	const status = "status: {conditions: [{type: BackupsOnSchedule, status: 'False', reason: BackupFailed}, {type: SurplusBackupsRemoved, status: 'True', reason: WithinRetention}]}\n"
	const says = `[{type: Synced, status: "True"}, {type: BackupsOnSchedule, status: "False", reason: BackupFailed, message: no space}, {type: SurplusBackupsRemoved, status: "True", reason: WithinRetention}]`
	unknown := func(name, message string) compose.Condition {
		return compose.Condition{Type: name, Status: metav1.ConditionUnknown, Reason: reasonRecordUnknown, Message: message}
	}
	const silent, lost = "the shard's record does not say yet", "the shard's record could not be observed"
	failed := compose.False(TypeBackupsOnSchedule, "BackupFailed", "no space")
	within := compose.True(TypeSurplusBackupsRemoved, "WithinRetention", "")
	cases := map[string]struct {
		reason string
		xr     string
		says   string
		record map[string]any
		want   []compose.Condition
	}{
		"Nothing": {reason: "Without a schedule and a retention nothing is done and nothing said.", xr: minimal, says: says},
		"Empty":   {reason: "Empty ones are as good as none.", xr: with("schedule: {}, retention: {}"), says: says},
		"Schedule": {
			reason: "The schedule is the provider's to keep, and what it says of it is the shard's.", xr: with("schedule: {full: 24h, differential: 6h, incremental: 90m}"), says: says,
			record: map[string]any{"schedule": map[string]any{"full": "24h0m0s", "differential": "6h0m0s", "incremental": "1h30m0s"}},
			want:   []compose.Condition{failed},
		},
		"Both": {
			reason: "So is the retention.", xr: with("schedule: {full: 24h}, retention: {full: 3}"), says: says,
			record: map[string]any{"schedule": map[string]any{"full": "24h0m0s"}, "retainedFull": 3.0},
			want:   []compose.Condition{failed, within},
		},
		"Silent": {
			reason: "A record that says nothing yet says nothing.", xr: with("retention: {full: 3}"), says: "[]",
			record: map[string]any{"retainedFull": 3.0},
			want:   []compose.Condition{unknown(TypeSurplusBackupsRemoved, silent)},
		},
		"Lost": {
			reason: "A record that could not be observed says what was.", xr: with("retention: {full: 3}"),
			says:   strings.Replace(says, `Synced, status: "True"`, `Synced, status: "False"`, 1),
			record: map[string]any{"retainedFull": 3.0},
			want:   []compose.Condition{unknown(TypeSurplusBackupsRemoved, lost)},
		},
		"TakenBack": {
			reason: "A condition once reported is taken back.", xr: minimal + status, says: says,
			want: []compose.Condition{compose.True(TypeBackupsOnSchedule, compose.ReasonNotRequested, ""), compose.True(TypeSurplusBackupsRemoved, compose.ReasonNotRequested, "")},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, minimal, nil)
			w.settle()
			w.set(tc.xr)
			w.edit(naming.KeyShardRecord, tc.says, "status", "conditions")
			out := w.compose()
			if diff := cmp.Diff(tc.want, keepingOf(out)); diff != "" {
				t.Errorf("\n%s\nconditions: -want, +got:\n%s", tc.reason, diff)
			}
			var record map[string]any
			if got := composetest.Get(t, out, naming.KeyShardRecord).At("spec", "forProvider", "backups"); got.Exists() {
				record = got.Struct().AsMap()
			}
			if diff := cmp.Diff(tc.record, record); diff != "" {
				t.Errorf("\n%s\nrecord: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
