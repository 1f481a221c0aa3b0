package topology

import (
	"context"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"github.com/crossplane/crossplane-runtime/v2/pkg/test"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/metrics"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// A recorder keeps the reasons of events.
type recorder struct {
	event.Recorder

	reasons []event.Reason
}

func (r *recorder) Event(_ runtime.Object, e event.Event) { r.reasons = append(r.reasons, e.Reason) }

// answering is an API server that holds the object that controls the configuration.
func answering(uid types.UID, deleted bool) client.Reader {
	return &test.MockClient{MockGet: func(_ context.Context, _ client.ObjectKey, obj client.Object) error {
		obj.SetUID(uid)
		if deleted {
			obj.SetDeletionTimestamp(ptr.To(metav1.NewTime(time.Unix(1, 0))))
		}
		return nil
	}}
}

func TestLetGo(t *testing.T) {
	gr := schema.GroupResource{Group: "multigres.com", Resource: "multigresclusters"}
	failing := func(err error) client.Reader { return &test.MockClient{MockGet: test.NewMockGetFn(err)} }
	owned := func(pc *v1alpha1.ProviderConfig) {
		pc.Spec.DedicatedEndpoints = []string{"etcd:2379"}
		pc.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: "multigres.com/v1alpha1", Kind: "MultigresCluster", Name: "db", UID: "cluster", Controller: ptr.To(true),
		}}
	}
	type args struct {
		config  func(pc *v1alpha1.ProviderConfig)
		live    client.Reader
		silent  time.Duration
		abandon bool
		// place to be let go of, that of the configuration if it is nil.
		place *Place
	}
	cases := map[string]struct {
		reason string
		args   args
		want   bool
	}{
		"ClusterDeleted": {
			reason: "A server that is silent and ends with a cluster that is being deleted should hold up nothing.",
			args:   args{config: owned, live: answering("cluster", true), silent: GiveUpAfter},
			want:   true,
		},
		"ClusterGone": {
			reason: "A cluster that is gone is being deleted no more, and not less.",
			args:   args{config: owned, live: failing(kerrors.NewNotFound(gr, "db")), silent: GiveUpAfter},
			want:   true,
		},
		"ClusterReplaced": {
			reason: "A cluster of the same name that came later is another one.",
			args:   args{config: owned, live: answering("later", false), silent: GiveUpAfter},
			want:   true,
		},
		"ClusterLives": {
			reason: "As long as the cluster lives its server may come back.",
			args:   args{config: owned, live: answering("cluster", false), silent: time.Hour},
		},
		"Forbidden": {
			reason: "Not to be allowed to look is a doubt.",
			args:   args{config: owned, live: failing(kerrors.NewForbidden(gr, "db", errBoom)), silent: time.Hour},
		},
		"Unavailable": {
			reason: "An API server that does not answer is a doubt.",
			args:   args{config: owned, live: failing(errBoom), silent: time.Hour},
		},
		"NotLongEnough": {
			reason: "A server that may only be restarting should be waited for.",
			args:   args{config: owned, live: answering("cluster", true), silent: GiveUpAfter - time.Second},
		},
		"Answers": {
			reason: "A server that answers should be waited for.",
			args:   args{config: owned, live: answering("cluster", true)},
		},
		"External": {
			reason: "A server that is not said to end with the cluster should be waited for.",
			args: args{
				config: func(pc *v1alpha1.ProviderConfig) { owned(pc); pc.Spec.DedicatedEndpoints = []string{"other:2379"} },
				live:   answering("cluster", true), silent: time.Hour,
			},
		},
		"NoOwner": {
			reason: "A configuration that nothing controls ends with nothing: children that were orphaned keep theirs.",
			args: args{
				config: func(pc *v1alpha1.ProviderConfig) { owned(pc); pc.OwnerReferences = nil },
				live:   answering("cluster", true), silent: time.Hour,
			},
		},
		"OtherConfig": {
			reason: "What another configuration reached is not known to end with this cluster.",
			args: args{
				config: owned, live: answering("cluster", true), silent: time.Hour,
				place: &Place{Config: "ProviderConfig/other", Endpoints: "etcd:2379", Root: "/r"},
			},
		},
		"Abandoned": {
			reason: "A person may give up any place.",
			args:   args{config: func(*v1alpha1.ProviderConfig) {}, live: failing(errBoom), abandon: true},
			want:   true,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(0, 0)
			p := newPool(func(user) {}, metrics.New())
			p.now = func() time.Time { return now }
			rec := &recorder{}
			mg := cellRecord()
			c := &Connection{
				layer:  &Layer{live: tc.args.live, pool: p, recorder: rec},
				mg:     mg,
				config: fromConfig(providerConfig(tc.args.config)),
				base:   topo.Config{Endpoints: []string{"etcd:2379"}, Root: "/r", Identity: "i"},
			}
			e := mute(t, p, c.base)
			if tc.args.silent > 0 {
				p.note(e, topo.ErrUnavailable)
				now = now.Add(tc.args.silent)
			}
			place := c.Somewhere()
			if tc.args.place != nil {
				place = *tc.args.place
			}
			if tc.args.abandon {
				mg.Annotations = map[string]string{AnnotationAbandon: "0, " + place.ID()}
			}
			if got := c.LetGo(context.Background(), place); got != tc.want {
				t.Errorf("%s\nLetGo(): want %t, got %t", tc.reason, tc.want, got)
			}
			cond := mg.GetCondition(TypeSettled)
			told := cond.Status == corev1.ConditionFalse && cond.Reason == ReasonTopologyGone && len(rec.reasons) == 1
			if told != tc.want {
				t.Errorf("%s\nLetGo(): it should be told if and only if it lets go, got %+v and events %v", tc.reason, cond, rec.reasons)
			}
		})
	}
}

func TestLetGoOfAll(t *testing.T) {
	c := &Connection{
		layer:  &Layer{pool: newPool(func(user) {}, metrics.New()), recorder: &recorder{}},
		config: fromConfig(providerConfig()),
		base:   topo.Config{Endpoints: []string{"etcd:2379"}, Root: "/r"},
	}
	other := c.PlaceAt([]string{"etcd:2379"}, "/other")
	mg := cellRecord()
	mg.Annotations = map[string]string{AnnotationAbandon: c.Somewhere().ID()}
	c.mg = mg
	if c.LetGo(context.Background(), c.Somewhere(), other) {
		t.Error("LetGo(): one place that must be waited for is enough to wait")
	}
}
