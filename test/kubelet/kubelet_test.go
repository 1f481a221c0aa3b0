package kubelet

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
)

// waiting is how long tests wait for what takes a second.
const waiting = time.Minute

const labelServer = "server"

var (
	cp *controlplane.ControlPlane
	k  *Kubelet

	errNotYet = errors.New("not yet")
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	var err error
	if cp, err = controlplane.New(ctx, controlplane.Options{ControllerManager: true, Scheduler: true}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer cp.Stop()

	k, err = Start(ctx, cp.Config(), Options{
		Nodes: []Node{
			{Name: "a", Labels: map[string]string{corev1.LabelTopologyZone: "zone-a"}},
			{Name: "b", Labels: map[string]string{corev1.LabelTopologyZone: "zone-b"}},
		},
		Run: []Run{serve},
		Log: filepath.Join(cp.Dir(), "log", "kubelet.log"),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { cancel(); <-k.Done() }()

	return m.Run()
}

// served are what a test does with the servers of its pods, by pod name.
var served = map[string]*program{}

type program struct {
	ready  chan struct{}
	exited chan struct{}
}

// serve runs a web server that tells its pod's name, for pods that want one.
func serve(_ context.Context, _ *Kubelet, pod *corev1.Pod) (*Container, error) {
	if pod.GetLabels()[labelServer] == "" {
		return nil, nil
	}

	s := served[pod.GetName()]
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, pod.GetName()) }))

	return &Container{
		Address: func(int32) string { return h.Listener.Addr().String() },
		Ready: func(context.Context) error {
			select {
			case <-s.ready:
				return nil
			default:
				return errNotYet
			}
		},
		Stop:   func(time.Duration) { h.Close() },
		Exited: s.exited,
	}, nil
}

func newPod(ns, name string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, Annotations: map[string]string{}, Labels: map[string]string{}},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: ptr.To[int64](30),
			InitContainers: []corev1.Container{
				{Name: "before", Image: "before"},
				{Name: "beside", Image: "beside", RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)},
			},
			Containers: []corev1.Container{{Name: "main", Image: "main"}},
		},
	}
	for _, c := range change {
		c(p)
	}

	return p
}

func annotate(key, value string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Annotations[key] = value }
}

// is waits until a pod is as wanted and returns it.
func is(t *testing.T, pod *corev1.Pod, what string, ok func(*corev1.Pod) bool) *corev1.Pod {
	t.Helper()

	got := &corev1.Pod{}

	controlplane.Eventually(t, waiting, pod.GetName()+" is "+what, func(ctx context.Context) error {
		if err := cp.Client().Get(ctx, client.ObjectKeyFromObject(pod), got); err != nil {
			return err
		}
		if !ok(got) {
			return errors.Wrapf(errNotYet, "%+v", got.Status)
		}

		return nil
	})

	return got
}

func create(t *testing.T, objects ...client.Object) {
	t.Helper()

	for _, o := range objects {
		if err := cp.Client().Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

func gone(t *testing.T, o client.Object) {
	t.Helper()

	controlplane.Eventually(t, waiting, o.GetName()+" is gone", func(ctx context.Context) error {
		err := cp.Client().Get(ctx, client.ObjectKeyFromObject(o), o)
		if err == nil {
			return errNotYet
		}

		return client.IgnoreNotFound(err)
	})
}

func TestPodLives(t *testing.T) {
	ns := cp.Namespace(t)
	p := newPod(ns, "lives", annotate(AnnotationStartAfter, "50ms"), annotate(AnnotationReadyAfter, "1500ms"))
	create(t, p)

	is(t, p, "running and not ready", func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodRunning && !isReady(p) })
	p = is(t, p, "ready", isReady)

	if p.Status.PodIP == "" || p.Status.ContainerStatuses[0].State.Running == nil || p.Status.InitContainerStatuses[0].State.Terminated == nil || p.Status.InitContainerStatuses[1].State.Running == nil {
		t.Errorf("containers should run and have run: %+v", p.Status)
	}

	version := p.GetResourceVersion()
	time.Sleep(2 * look)

	if p = is(t, p, "ready", isReady); p.GetResourceVersion() != version {
		t.Error("a pod at rest should not be written")
	}

	if err := cp.Client().Delete(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	gone(t, p)
}

func TestPodBehaves(t *testing.T) {
	ns := cp.Namespace(t)

	failing := newPod(ns, "failing", annotate(AnnotationFail, "ImagePullBackOff"))
	frozen := newPod(ns, "frozen", annotate(AnnotationFreeze, "true"))
	stays := newPod(ns, "stays", annotate(AnnotationStopAfter, "2s"))
	create(t, failing, frozen, stays)

	is(t, failing, "waiting", func(p *corev1.Pod) bool {
		return p.Status.Phase == corev1.PodPending && len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].State.Waiting.Reason == "ImagePullBackOff"
	})

	mended := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null}}}`, AnnotationFail))
	if err := cp.Client().Patch(t.Context(), failing, mended); err != nil {
		t.Fatal(err)
	}
	is(t, failing, "ready", isReady)

	is(t, stays, "ready", isReady)
	begin := time.Now()
	if err := cp.Client().Delete(t.Context(), stays); err != nil {
		t.Fatal(err)
	}
	gone(t, stays)
	// Deletion times are whole seconds.
	if took := time.Since(begin); took < time.Second {
		t.Errorf("the pod should have taken its time to end, was gone after %s", took)
	}

	if p := is(t, frozen, "scheduled", func(p *corev1.Pod) bool { return p.Spec.NodeName != "" }); p.Status.Phase != corev1.PodPending {
		t.Errorf("a frozen pod should not run: %+v", p.Status)
	}
	if err := cp.Client().Delete(t.Context(), frozen); err != nil {
		t.Fatal(err)
	}

	k.Change(func(p *corev1.Pod, b *Behaviour) {
		if p.GetNamespace() == ns {
			b.Freeze = false
		}
	})
	defer k.Change(nil)
	gone(t, frozen)
}

func TestNamespaceBehaves(t *testing.T) {
	ns := cp.Namespace(t)
	annotateNamespace := func(value string) {
		patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, AnnotationFreeze, value)
		if err := cp.Client().Patch(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
			t.Fatal(err)
		}
	}

	annotateNamespace("true")

	frozen, own := newPod(ns, "frozen"), newPod(ns, "own", annotate(AnnotationFreeze, "false"))
	create(t, frozen, own)
	is(t, own, "ready", isReady)

	if p := is(t, frozen, "scheduled", func(p *corev1.Pod) bool { return p.Spec.NodeName != "" }); isReady(p) {
		t.Error("a pod of a frozen namespace should not be ready")
	}

	annotateNamespace("false")
	is(t, frozen, "ready", isReady)
}

func TestVolume(t *testing.T) {
	ctx, ns := t.Context(), cp.Namespace(t)
	size := func(s string) corev1.VolumeResourceRequirements {
		return corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(s)}}
	}
	pvc := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "data"},
		Spec:       corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Resources: size("1Gi")},
	}
	user := func(name string) *corev1.Pod {
		return newPod(ns, name, func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
		})
	}
	first := user("first")
	first.Spec.NodeSelector = map[string]string{corev1.LabelTopologyZone: "zone-b"}
	create(t, pvc, first)
	is(t, first, "ready", isReady)

	claim := func(what string, ok func() bool) {
		t.Helper()
		controlplane.Eventually(t, waiting, what, func(ctx context.Context) error {
			if err := cp.Client().Get(ctx, client.ObjectKeyFromObject(pvc), pvc); err != nil {
				return err
			}
			if !ok() {
				return errors.Wrapf(errNotYet, "%+v", pvc.Status)
			}

			return nil
		})
	}
	claim("bound", func() bool {
		return pvc.Status.Phase == corev1.ClaimBound && pvc.Status.Capacity.Storage().String() == "1Gi"
	})

	pvc.Spec.Resources = size("2Gi")
	if err := cp.Client().Update(ctx, pvc); err != nil {
		t.Fatal(err)
	}
	claim("grown", func() bool { return pvc.Status.Capacity.Storage().String() == "2Gi" })

	if err := cp.Client().Delete(ctx, first); err != nil {
		t.Fatal(err)
	}
	second := user("second")
	create(t, second)
	if p := is(t, second, "ready", isReady); p.Spec.NodeName != "b" {
		t.Errorf("a volume should be used where it is: on b, not on %s", p.Spec.NodeName)
	}

	pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: pvc.Spec.VolumeName}}
	for _, o := range []client.Object{second, pvc} {
		if err := cp.Client().Delete(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	gone(t, pvc)
	gone(t, pv)
}

func TestWorkloads(t *testing.T) {
	ns := cp.Namespace(t)
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "x"}}, Spec: newPod(ns, "").Spec}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "x"}}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "d"}, Spec: appsv1.DeploymentSpec{Replicas: ptr.To[int32](2), Selector: selector, Template: template}}
	s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "s"}, Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](2), Selector: selector, Template: template}}
	create(t, d, s)

	controlplane.Eventually(t, waiting, "workloads are ready", func(ctx context.Context) error {
		for _, o := range []client.Object{d, s} {
			if err := cp.Client().Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
				return err
			}
		}
		if d.Status.ReadyReplicas != 2 || s.Status.ReadyReplicas != 2 {
			return errors.Wrapf(errNotYet, "%+v %+v", d.Status, s.Status)
		}

		return nil
	})
}

// TestProgram shows that a pod is as its program is, and that its Services lead there.
func TestProgram(t *testing.T) {
	ctx, ns := t.Context(), cp.Namespace(t)
	prog := &program{ready: make(chan struct{}), exited: make(chan struct{})}
	served["program"] = prog

	p := newPod(ns, "program", func(p *corev1.Pod) {
		p.Labels[labelServer] = "yes"
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}
	})
	selector := map[string]string{labelServer: "yes"}
	create(t, p,
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "svc"}, Spec: corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}}}},
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "pods"}, Spec: corev1.ServiceSpec{Selector: selector, ClusterIP: corev1.ClusterIPNone, Ports: []corev1.ServicePort{{Port: 8080}}}},
	)

	is(t, p, "running and not ready", func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodRunning && !isReady(p) })

	if _, err := k.Network.Resolve(ctx, "svc."+ns+":80"); !errors.Is(err, errUnreachable) {
		t.Errorf("a pod that is not ready should not be reached: %v", err)
	}

	close(prog.ready)
	is(t, p, "ready", isReady)

	proxy, err := url.Parse(k.Network.URL)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}

	for _, host := range []string{"svc." + ns, "svc." + ns + ".svc", "svc." + ns + ".svc.cluster.local:80", "program.pods." + ns + ".svc:8080"} {
		res, err := web.Get("http://" + host)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if string(body) != "program" {
			t.Errorf("%s should lead to the program: %s", host, body)
		}
	}

	res, err := web.Get("http://other.pods." + ns + ".svc:8080")
	if err != nil {
		t.Fatal(err)
	}

	_ = res.Body.Close()

	if res.StatusCode != http.StatusBadGateway {
		t.Errorf("a pod that does not exist should not be reached: %s", res.Status)
	}

	old := k.Container(p.GetUID())
	served["program"] = &program{ready: prog.ready, exited: make(chan struct{})}
	close(prog.exited)
	p = is(t, p, "ready again", func(p *corev1.Pod) bool { return isReady(p) && p.Status.ContainerStatuses[0].RestartCount == 1 })

	if k.Container(p.GetUID()) == old {
		t.Error("a program that has ended should be run again")
	}
}

func TestAnnotations(t *testing.T) {
	got := Behaviour{StartAfter: time.Second, Fail: "x", Freeze: true}.annotated(map[string]string{
		AnnotationStartAfter: "soon", AnnotationStopAfter: "3s", AnnotationFail: "", AnnotationFreeze: "no",
	})
	if want := (Behaviour{StartAfter: time.Second, StopAfter: 3 * time.Second}); got != want {
		t.Errorf("what cannot be parsed should change nothing: -want, +got:\n-%+v\n+%+v", want, got)
	}
	if !strings.HasPrefix(k.Network.URL, "http://127.0.0.1:") {
		t.Errorf("the network should be on loopback: %s", k.Network.URL)
	}
}
