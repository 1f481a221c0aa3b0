package controlplane

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

// envParent tells the test's program to be the process whose death is tested.
const envParent = "CONTROLPLANE_TEST_PARENT"

// waiting is how long tests wait for what takes a second.
const waiting = time.Minute

// options of the control plane that the tests share.
var options = Options{ControllerManager: true, CRDs: []string{"../../package/provider/crds"}}

// shared is that control plane.
var shared *ControlPlane

func TestMain(m *testing.M) {
	if os.Getenv(envParent) != "" {
		parent()
	}

	begin := time.Now()

	var err error
	if shared, err = New(context.Background(), options); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	fmt.Printf("control plane: ready after %.1f s\n", time.Since(begin).Seconds())

	code := m.Run()
	shared.Stop()
	os.Exit(code)
}

// parent starts a control plane, prints its folder and processes, and waits to be killed.
func parent() {
	c, err := New(context.Background(), Options{ControllerManager: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	fmt.Println(c.Dir(), c.Etcd().PID(), c.APIServer().PID(), c.ControllerManager().PID())

	select {}
}

func TestKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), envParent+"=1"), os.Stderr

	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	line, err := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		t.Fatalf("cannot read what the parent started: %v", err)
	}

	fields := strings.Fields(line)
	dir, pids := fields[0], fields[1:]

	if len(pids) != 3 {
		t.Fatalf("the parent should have started three programs: %s", line)
	}

	for _, pid := range pids {
		Eventually(t, waiting, "process "+pid+" is gone", func(context.Context) error {
			if b, _ := os.ReadFile("/proc/" + pid + "/stat"); len(b) > 0 && !strings.Contains(string(b), ") Z ") {
				return errors.New(string(b))
			}

			return nil
		})
	}

	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("a parent that was killed cannot have removed its folder: %v", err)
	}

	next, err := newDirectory()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.remove() }()

	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the next control plane should remove what a killed one left: %v", err)
	}
	if _, err := os.Stat(shared.Dir()); err != nil {
		t.Errorf("a control plane that lives should keep its folder: %v", err)
	}
}

func TestStop(t *testing.T) {
	c, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}

	if c.ControllerManager() != nil {
		t.Error("nobody wanted a controller manager")
	}

	p, err := c.Run(process.Config{Name: "sleep", Path: "sleep", Args: []string{"300"}})
	if err != nil {
		t.Fatal(err)
	}

	dir := c.Dir()
	c.Stop()
	c.Stop()

	for _, p := range []*process.Process{c.Etcd(), c.APIServer(), p} {
		select {
		case <-p.Exited():
		default:
			t.Errorf("%s should have ended", p.Name())
		}
	}

	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder should be gone: %v", err)
	}
}

func TestNotBuilt(t *testing.T) {
	for _, env := range []string{EnvEtcd, EnvAPIServer, EnvControllerManager, EnvScheduler} {
		t.Run(env, func(t *testing.T) {
			t.Setenv(env, "")

			if _, err := New(t.Context(), Options{}); !errors.Is(err, ErrNotBuilt) {
				t.Errorf("-want, +got:\n-%v\n+%v", ErrNotBuilt, err)
			}
		})
	}
}

func TestBrokenStart(t *testing.T) {
	if _, err := New(t.Context(), Options{APIServerArgs: []string{"--no-such-flag"}}); !errors.Is(err, ErrExited) {
		t.Errorf("-want, +got:\n-%v\n+%v", ErrExited, err)
	}
	if _, err := New(t.Context(), Options{CRDs: []string{t.TempDir()}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("-want, +got:\n-%v\n+%v", os.ErrNotExist, err)
	}
}

// TestIdentities shows that identities may do what they are granted and no more.
func TestIdentities(t *testing.T) {
	ctx, ns := t.Context(), shared.Namespace(t)

	user, err := shared.User("alice", "team-a")
	if err != nil {
		t.Fatal(err)
	}

	if err := shared.Client().Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "robot"}}); err != nil {
		t.Fatal(err)
	}

	account, err := shared.ServiceAccount(ctx, ns, "robot")
	if err != nil {
		t.Fatal(err)
	}

	secret := func(name string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
	}

	clients := map[string]client.Client{}
	for name, cfg := range map[string]*rest.Config{"user": user, "account": account} {
		if clients[name], err = shared.ClientFor(cfg); err != nil {
			t.Fatal(err)
		}

		if err := clients[name].Create(ctx, secret(name)); !kerrors.IsForbidden(err) {
			t.Errorf("%s was granted nothing: got %v", name, err)
		}
	}

	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "secrets"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create"}}},
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "secrets"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "secrets"},
		Subjects: []rbacv1.Subject{
			{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: "team-a"},
			{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: "robot"},
		},
	}
	for _, o := range []client.Object{role, binding} {
		if err := shared.Client().Create(ctx, o); err != nil {
			t.Fatal(err)
		}
	}

	for name, k := range clients {
		Eventually(t, waiting, name+" may create", func(ctx context.Context) error { return k.Create(ctx, secret(name)) })

		if err := k.Delete(ctx, secret(name)); !kerrors.IsForbidden(err) {
			t.Errorf("%s was not granted to delete: got %v", name, err)
		}
	}

	path, err := shared.Kubeconfig(account)
	if err != nil {
		t.Fatal(err)
	}

	read, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{account.Host, account.BearerToken, string(account.CAData)}, []string{read.Host, read.BearerToken, string(read.CAData)}); diff != "" {
		t.Errorf("a kubeconfig should hold the access: -want, +got:\n%s", diff)
	}
}

// TestCRDs shows that our kinds are served with their rules.
func TestCRDs(t *testing.T) {
	ctx, ns := t.Context(), shared.Namespace(t)

	password := &v1alpha1.Password{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "p"}}
	if err := shared.Client().Create(ctx, password); !kerrors.IsInvalid(err) {
		t.Errorf("a Password without what it needs should be refused: got %v", err)
	}

	list := &v1alpha1.PasswordList{}
	if err := shared.Client().List(ctx, list, client.InNamespace(ns)); err != nil {
		t.Errorf("Passwords should be served: %v", err)
	}

	if err := shared.InstallCRDs(ctx, options.CRDs...); err != nil {
		t.Errorf("definitions that are there should stay: %v", err)
	}
}

// TestControllers shows that what a controller manager does is done: garbage
// collection and the deletion of namespaces.
func TestControllers(t *testing.T) {
	ctx, ns, k := t.Context(), shared.Namespace(t), shared.Client()

	owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "owner"}}
	if err := k.Create(ctx, owner); err != nil {
		t.Fatal(err)
	}

	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "owned", OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: owner.GetUID()},
	}}}
	if err := k.Create(ctx, owned); err != nil {
		t.Fatal(err)
	}
	if err := k.Delete(ctx, owner); err != nil {
		t.Fatal(err)
	}

	Eventually(t, waiting, "what was owned is gone", func(ctx context.Context) error { return gone(ctx, k, owned) })

	o := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}
	if err := k.Delete(ctx, o); err != nil {
		t.Fatal(err)
	}

	Eventually(t, waiting, "namespace is gone", func(ctx context.Context) error { return gone(ctx, k, o) })
}

// TestRestart shows that etcd and the API server come back at the same place
// with the same data.
func TestRestart(t *testing.T) {
	c := Start(t, Options{})
	ctx, k := t.Context(), c.Client()

	want := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace(t), Name: "kept"}, Data: map[string]string{"key": "value"}}
	if err := k.Create(ctx, want); err != nil {
		t.Fatal(err)
	}

	for name, p := range map[string]*process.Process{"etcd": c.Etcd(), "API server": c.APIServer()} {
		if err := p.Restart(); err != nil {
			t.Fatal(err)
		}
		if err := c.Ready(ctx); err != nil {
			t.Fatal(err)
		}

		got := &corev1.ConfigMap{}

		Eventually(t, waiting, "object is there after restart of "+name, func(ctx context.Context) error {
			return k.Get(ctx, client.ObjectKeyFromObject(want), got)
		})
		if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(metav1.TypeMeta{})); diff != "" {
			t.Errorf("after restart of %s: -want, +got:\n%s", name, diff)
		}
	}
}

func TestArtifacts(t *testing.T) {
	ctx, ns, k := t.Context(), shared.Namespace(t), shared.Client()

	o := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "evidence"}}
	e := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "happened"}, Reason: "Happened", Message: "something", Type: corev1.EventTypeWarning, Count: 2,
		InvolvedObject: corev1.ObjectReference{Kind: "ConfigMap", Namespace: ns, Name: "evidence"},
	}
	for _, o := range []client.Object{o, e} {
		if err := k.Create(ctx, o); err != nil {
			t.Fatal(err)
		}
	}

	dir, err := shared.Artifacts(ctx, t.Name(), ns)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	for file, want := range map[string]string{
		ns + "/configmap.yaml":            "name: evidence",
		ns + "/events.txt":                "2x Warning ConfigMap/evidence Happened: something",
		"log/kube-apiserver.log":          "apiserver",
		"log/kube-controller-manager.log": "controller",
	} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains(string(b), want) {
			t.Errorf("%s should contain %q", file, want)
		}
	}
}

// gone is nil when an object does not exist.
func gone(ctx context.Context, k client.Client, o client.Object) error {
	err := k.Get(ctx, client.ObjectKeyFromObject(o), o)
	if err == nil {
		return errors.New("it is there")
	}

	return client.IgnoreNotFound(err)
}
