package guard

import (
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// A fakeRecorder remembers the reasons of events.
type fakeRecorder struct {
	reasons []event.Reason
}

func (f *fakeRecorder) Event(_ runtime.Object, e event.Event) {
	f.reasons = append(f.reasons, e.Reason)
}

func (f *fakeRecorder) WithAnnotations(...string) event.Recorder {
	return f
}

func TestRecorder(t *testing.T) {
	p := &v1alpha1.Password{ObjectMeta: metav1.ObjectMeta{UID: "u"}}
	other := &v1alpha1.Password{ObjectMeta: metav1.ObjectMeta{UID: "v"}}
	failed := event.Warning(reasonCannotUpdate, errBoom)
	cases := map[string]struct {
		reason string
		events func(r *Recorder)
		want   []event.Reason
	}{
		"NotMuted": {
			reason: "Failures are events.",
			events: func(r *Recorder) { r.Event(p, failed) },
			want:   []event.Reason{reasonCannotUpdate},
		},
		"MutedOnce": {
			reason: "One event is dropped, and the next one is not.",
			events: func(r *Recorder) {
				r.mute("u")
				r.Event(p, failed)
				r.Event(p, event.Warning(reasonCannotDelete, errBoom))
			},
			want: []event.Reason{reasonCannotDelete},
		},
		"OtherObject": {
			reason: "Events of others are not dropped.",
			events: func(r *Recorder) {
				r.mute("v")
				r.Event(p, failed)
				r.Event(other, failed)
			},
			want: []event.Reason{reasonCannotUpdate},
		},
		"OtherReason": {
			reason: "Events of other reasons are not dropped and do not end the silence.",
			events: func(r *Recorder) {
				r.mute("u")
				r.Event(p, event.Normal("Other", ""))
				r.Event(p, failed)
			},
			want: []event.Reason{"Other"},
		},
		"Annotated": {
			reason: "The managed reconciler records with annotations.",
			events: func(r *Recorder) {
				annotated := r.WithAnnotations("external-name", "p")
				r.mute("u")
				annotated.Event(p, failed)
				r.Event(p, event.Normal("Other", ""))
			},
			want: []event.Reason{"Other"},
		},
		"NoObject": {
			reason: "What has no metadata cannot be muted.",
			events: func(r *Recorder) { r.Event(&runtime.Unknown{}, failed) },
			want:   []event.Reason{reasonCannotUpdate},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := &fakeRecorder{}
			tc.events(NewRecorder(f))
			if diff := cmp.Diff(tc.want, f.reasons); diff != "" {
				t.Errorf("\n%s\nEvent(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
