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
const lastWords = `{"level":"fatal","ts":"2026-11-25T21:09:25.705248Z","caller":"etcdmain/etcd.go:183","msg":"discovery failed","error":"member 5a10332ad1dec214 has already been bootstrapped"}`

const lostID = 0x5a10332ad1dec214

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
	Endpoint, Peer string
	Lost           uint64
}

// played answers as told.
type played struct {
	waits, complete bool
	err             error
	calls           []call
}

func (p *played) Replace(_ context.Context, endpoint string, lost uint64, peer string) (bool, error) {
	p.calls = append(p.calls, call{Endpoint: endpoint, Peer: peer, Lost: lost})
	return p.waits, p.err
}

func (p *played) Complete(_ context.Context, endpoint string) (bool, error) {
	p.calls = append(p.calls, call{Endpoint: endpoint})
	return p.complete, p.err
}

func TestReconcile(t *testing.T) {
	const endpoint = "http://orders-global-topo.app.svc:2379"
	replaced := []call{{Endpoint: endpoint, Peer: "http://orders-global-topo-1.orders-global-topo-headless.app.svc:2380", Lost: lostID}}
	asked := []call{{Endpoint: endpoint}}
	lost := status(corev1.ContainerStatus{State: ended(lastWords)})
	secret := member{pod: pod(), set: metav1.GetControllerOf(pod())}.secret()

	cases := map[string]struct {
		reason string
		pod    *corev1.Pod
		secret bool
		server played

		calls []call
		joins bool
		again time.Duration
		err   error
	}{
		"Lost": {reason: "A member that ended for want of its data should get a place in which it can start.", pod: pod(lost), server: played{waits: true}, calls: replaced, joins: true},
		"WaitsToStart": {
			reason: "So should one that the kubelet lets rest before the next try.",
			pod: pod(status(corev1.ContainerStatus{
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}, LastTerminationState: ended(lastWords),
			})),
			server: played{waits: true}, calls: replaced, joins: true,
		},
		"Twice": {reason: "A second look should change nothing.", pod: pod(lost), secret: true, server: played{waits: true}, calls: replaced, joins: true},
		"Back":  {reason: "Nobody should join in the place of a member that has come back.", pod: pod(lost), calls: replaced},
		"OthersSilent": {
			reason: "While others do not answer it should be tried again, and nobody join.", pod: pod(lost),
			server: played{err: errors.Wrap(topo.ErrUnavailable, "no answer")}, calls: replaced, again: again,
		},
		"Refused": {reason: "Other errors should be returned.", pod: pod(lost), server: played{err: errBoom}, calls: replaced, err: errBoom},
		"Running": {
			reason: "What it ended of before should not matter while it runs.",
			pod:    pod(status(corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, LastTerminationState: ended(lastWords)})),
		},
		"OtherEnd": {reason: "Who ended for another reason has not lost its data.", pod: pod(status(corev1.ContainerStatus{State: ended("out of memory"), LastTerminationState: ended(lastWords)}))},
		"GoingAway": {reason: "A pod that is being deleted should be left alone.", pod: pod(lost, func(p *corev1.Pod) {
			p.DeletionTimestamp, p.Finalizers = &metav1.Time{Time: time.Unix(1, 0)}, []string{"x/y"}
		})},
		"NobodysPod":   {reason: "A pod that no StatefulSet made should be left alone.", pod: pod(lost, func(p *corev1.Pod) { p.OwnerReferences = nil })},
		"Ready":        {reason: "A topology server in which nobody joins should not be asked.", pod: pod(isReady)},
		"Joined":       {reason: "Once all have started nobody should join any more.", pod: pod(isReady), secret: true, server: played{complete: true}, calls: asked},
		"AnotherJoins": {reason: "While another member is waited for it should be let in.", pod: pod(isReady), secret: true, calls: asked, joins: true},
		"NoQuorum": {
			reason: "While it does not answer nothing should change.", pod: pod(isReady), secret: true,
			server: played{err: errors.Wrap(topo.ErrUnavailable, "no answer")}, calls: asked, joins: true, again: again,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			objects := []client.Object{tc.pod}
			if tc.secret {
				objects = append(objects, secret.DeepCopy())
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
			err = kube.Get(t.Context(), client.ObjectKeyFromObject(secret), s)
			if client.IgnoreNotFound(err) != nil {
				t.Fatal(err)
			}
			if (err == nil) != tc.joins {
				t.Errorf("%s\na Secret to join by is there: %t, want %t", tc.reason, err == nil, tc.joins)
			}
			if err == nil {
				if diff := cmp.Diff(map[string][]byte{"initial-cluster-state": []byte("existing")}, s.Data); diff != "" {
					t.Errorf("%s\nSecret: -want, +got:\n%s", tc.reason, diff)
				}
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
