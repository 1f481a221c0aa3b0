package topomember

import (
	"context"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// As etcd 3.6.10 ended on a real kubelet.
const (
	lostWords = `{"level":"fatal","ts":"2026-11-25T21:09:25.705248Z","caller":"etcdmain/etcd.go:183","msg":"discovery failed","error":"member 5a10332ad1dec214 has already been bootstrapped"}`
	heldWords = `{"level":"warn","ts":"2026-11-25T21:42:18.407945Z","caller":"etcdmain/etcd.go:66","msg":"failed to verify flags","error":"invalid value \"held\" for ETCD_INITIAL_CLUSTER_STATE: invalid value"}`
)

const lostID = "5a10332ad1dec214"

var errBoom = errors.New("boom")

// pod of a member, with changes.
func pod(change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "app", Name: "orders-global-topo-1", Labels: naming.ClusterLabels("orders", naming.ComponentGlobalTopo),
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "orders-global-topo", UID: "set", Controller: ptr.To(true)}},
		},
		Spec: corev1.PodSpec{Subdomain: "orders-global-topo-headless", Containers: []corev1.Container{{
			Name: "etcd", Ports: []corev1.ContainerPort{{Name: "client", ContainerPort: 2379}, {Name: "peer", ContainerPort: 2380}},
		}}},
	}
	for _, c := range change {
		c(p)
	}
	return p
}

func status(s corev1.ContainerStatus) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.ContainerStatuses = []corev1.ContainerStatus{s} }
}

func ended(words string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Message: words}}
}

func isReady(p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
}

// A call that a topology server got.
type call struct {
	What, Endpoint, ID, Peer string
}

// played answers as told.
type played struct {
	lost, complete          bool
	noLost, noRemove, noAdd error
	calls                   []call
}

func (p *played) Lost(_ context.Context, endpoint, id, peer string) (bool, error) {
	p.calls = append(p.calls, call{What: "lost", Endpoint: endpoint, ID: id, Peer: peer})
	return p.lost, p.noLost
}

func (p *played) Remove(_ context.Context, endpoint, id string) error {
	p.calls = append(p.calls, call{What: "remove", Endpoint: endpoint, ID: id})
	return p.noRemove
}

func (p *played) Add(_ context.Context, endpoint, peer string) error {
	p.calls = append(p.calls, call{What: "add", Endpoint: endpoint, Peer: peer})
	return p.noAdd
}

func (p *played) Complete(_ context.Context, endpoint string) (bool, error) {
	p.calls = append(p.calls, call{What: "complete", Endpoint: endpoint})
	return p.complete, p.noLost
}

func TestReconcile(t *testing.T) {
	const endpoint, peer = "http://orders-global-topo.app.svc:2379", "http://orders-global-topo-1.orders-global-topo-headless.app.svc:2380"
	asked := call{What: "lost", Endpoint: endpoint, ID: lostID, Peer: peer}
	removed := call{What: "remove", Endpoint: endpoint, ID: lostID}
	added := call{What: "add", Endpoint: endpoint, Peer: peer}
	counted := call{What: "complete", Endpoint: endpoint}
	silent := errors.Wrap(topo.ErrUnavailable, "no answer")

	lost, held := status(corev1.ContainerStatus{State: ended(lostWords)}), status(corev1.ContainerStatus{State: ended(heldWords)})
	rests := status(corev1.ContainerStatus{
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}, LastTerminationState: ended(lostWords),
	})
	secret := func(state, of string) *corev1.Secret {
		s := member{pod: pod(), set: metav1.GetControllerOf(pod())}.secret(lostID)
		s.Data["initial-cluster-state"], s.Data["member"] = []byte(state), []byte(of)
		return s
	}
	mine, other := "orders-global-topo-1", "orders-global-topo-2"

	cases := map[string]struct {
		reason string
		pod    *corev1.Pod
		secret *corev1.Secret
		server played

		calls []call
		state string
		again time.Duration
		err   error
	}{
		"Lost":         {reason: "A member that ended for want of its data should be held.", pod: pod(lost), server: played{lost: true}, calls: []call{asked}, state: "held"},
		"Rests":        {reason: "So should one that the kubelet lets rest before the next try.", pod: pod(rests), server: played{lost: true}, calls: []call{asked}, state: "held"},
		"NotLost":      {reason: "Nobody should be held whose place is not the one that was lost.", pod: pod(lost), calls: []call{asked}},
		"OthersSilent": {reason: "Nobody should be held while others do not answer.", pod: pod(lost), server: played{lost: true, noLost: silent}, calls: []call{asked}, again: again},
		"NotHeldYet":   {reason: "Until it is known to be held nothing should happen.", pod: pod(lost), secret: secret("held", mine), state: "held"},
		"Held":         {reason: "One that is known to be held should get a new place.", pod: pod(held), secret: secret("held", mine), server: played{lost: true}, calls: []call{asked, removed, added}, state: "existing"},
		"RemovedBefore": {
			reason: "So should one that was removed by a provider that ended then.", pod: pod(held), secret: secret("held", mine),
			calls: []call{asked, removed, added}, state: "existing",
		},
		"HeldOthersSilent": {
			reason: "What may hold the others, too, should go if they do not answer.", pod: pod(held), secret: secret("held", mine),
			server: played{lost: true, noLost: silent}, calls: []call{asked}, again: again,
		},
		"NotRemoved": {
			reason: "One of which nobody knows whether it was removed should stay held.", pod: pod(held), secret: secret("held", mine),
			server: played{lost: true, noRemove: silent}, calls: []call{asked, removed}, state: "held", again: again,
		},
		"NotAdded": {
			reason: "One that was removed may start, but should be added until that is done.", pod: pod(held), secret: secret("held", mine),
			server: played{lost: true, noAdd: silent}, calls: []call{asked, removed, added}, state: "existing", again: again,
		},
		"AddedLater": {reason: "That should be tried again.", pod: pod(held), secret: secret("existing", mine), calls: []call{added}, state: "existing"},
		"Refused":    {reason: "Other errors should be returned.", pod: pod(held), secret: secret("existing", mine), server: played{noAdd: errBoom}, calls: []call{added}, state: "existing", err: errBoom},
		"OneAtATime": {reason: "A second one should wait for the first.", pod: pod(lost), secret: secret("held", other), state: "held", again: again},
		"HeldWithIt": {reason: "One that has its data, and was held with another, has lost nothing.", pod: pod(held), secret: secret("held", other), state: "held"},
		"HeldNoMore": {reason: "One that was held, and is not any more, starts by itself.", pod: pod(held)},
		"Running": {
			reason: "What it ended of before should not matter while it runs.",
			pod:    pod(status(corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, LastTerminationState: ended(lostWords)})),
		},
		"OtherEnd": {reason: "Who ended for another reason has not lost its data.", pod: pod(status(corev1.ContainerStatus{State: ended("out of memory"), LastTerminationState: ended(lostWords)}))},
		"GoingAway": {reason: "A pod that is being deleted should be left alone.", pod: pod(lost, func(p *corev1.Pod) {
			p.DeletionTimestamp, p.Finalizers = &metav1.Time{Time: time.Unix(1, 0)}, []string{"x/y"}
		})},
		"NobodysPod":   {reason: "A pod that no StatefulSet made should be left alone.", pod: pod(lost, func(p *corev1.Pod) { p.OwnerReferences = nil })},
		"Ready":        {reason: "A topology server in which nobody joins should not be asked.", pod: pod(isReady)},
		"Joined":       {reason: "Once all have started nobody should join any more.", pod: pod(isReady), secret: secret("existing", mine), server: played{complete: true}, calls: []call{counted}},
		"NotStarted":   {reason: "While one has not started it should be looked at again.", pod: pod(isReady), secret: secret("existing", mine), calls: []call{counted}, state: "existing", again: again},
		"AnotherJoins": {reason: "Another member says itself when it has joined.", pod: pod(isReady), secret: secret("existing", other), state: "existing"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			objects := []client.Object{tc.pod}
			if tc.secret != nil {
				objects = append(objects, tc.secret)
			}
			kube := fake.NewClientBuilder().WithObjects(objects...).Build()
			r := &reconciler{kube: kube, live: kube, server: &tc.server, recorder: event.NewNopRecorder()}
			got, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(tc.pod)})
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\nerror: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(reconcile.Result{RequeueAfter: tc.again}, got); diff != "" {
				t.Errorf("%s\nresult: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.calls, tc.server.calls); diff != "" {
				t.Errorf("%s\ncalls: -want, +got:\n%s", tc.reason, diff)
			}
			s := &corev1.Secret{}
			if err := kube.Get(t.Context(), client.ObjectKeyFromObject(secret("", "")), s); client.IgnoreNotFound(err) != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.state, string(s.Data["initial-cluster-state"])); diff != "" {
				t.Errorf("%s\nstate to start in: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestIsMember(t *testing.T) {
	cases := map[string]struct {
		reason string
		labels map[string]string
		want   bool
	}{
		"Global":  {reason: "Members of a cluster's topology server are ours.", labels: naming.ClusterLabels("orders", naming.ComponentGlobalTopo), want: true},
		"Local":   {reason: "So are those of a cell's.", labels: naming.CellLabels("orders", "zone-a", naming.ComponentLocalTopo), want: true},
		"Gateway": {reason: "Other pods are none.", labels: naming.CellLabels("orders", "zone-a", naming.ComponentMultiGateway)},
		"Foreign": {reason: "Who made a pod decides.", labels: map[string]string{naming.LabelComponent: naming.ComponentGlobalTopo}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := isMember(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: tc.labels}}); got != tc.want {
				t.Errorf("%s\nwant %t, got %t", tc.reason, tc.want, got)
			}
		})
	}
}
