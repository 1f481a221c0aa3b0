package reliability

import (
	"context"
	"slices"
	"syscall"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/test/bed"
)

// down are the nodes that are dead or cut off.
var down = map[string]bool{}

// supported skips a scenario, and counts it, where no bed can run.
func supported(t *testing.T) {
	t.Helper()
	if unsupported != nil {
		skipped.Add(1)
		t.Skip(unsupported)
	}
}

// node is the bed's node of a name.
func node(t *testing.T, name string) bed.Node {
	t.Helper()
	i := slices.IndexFunc(shared.Nodes(), func(n bed.Node) bool { return n.Name() == name })
	if i < 0 {
		t.Fatalf("no node is called %q", name)
	}
	return shared.Nodes()[i]
}

// alive is a node that works.
func (b *theBed) alive() bed.Node { return b.awayFrom("") }

// awayFrom is a node that works and is another one.
func (b *theBed) awayFrom(name string) bed.Node {
	for _, n := range b.Nodes() {
		if n.Name() != name && !down[n.Name()] {
			return n
		}
	}
	return b.Nodes()[0]
}

// crash kills processes of a pod at once: all of them, or those that are called so.
func crash(t *testing.T, p corev1.Pod, commands ...string) {
	t.Helper()
	if err := bed.Signal(syscall.SIGKILL, processes(t, p, commands...)...); err != nil {
		t.Fatal(err)
	}
}

// processes of a pod: all of them, or those that are called so. There must be some.
func processes(t *testing.T, p corev1.Pod, commands ...string) []bed.Process {
	t.Helper()
	all, err := shared.PodProcesses(string(p.GetUID()))
	if err != nil {
		t.Fatal(err)
	}
	out := slices.DeleteFunc(all, func(p bed.Process) bool { return len(commands) > 0 && !slices.Contains(commands, p.Command) })
	if len(out) == 0 {
		t.Fatalf("pod %s has no processes %v", p.GetName(), commands)
	}
	return out
}

// remove deletes a pod, as kubectl does.
func remove(t *testing.T, p corev1.Pod) {
	t.Helper()
	if err := shared.client.Delete(t.Context(), &p); err != nil {
		t.Fatalf("cannot delete pod: %v", err)
	}
}

// claim is the name of the volume claim that holds the data of a pooler or of a member of a topology server.
func claim(p *corev1.Pod) string { return "data-" + p.GetName() }

// wipe deletes a pod and its volume for good.
func wipe(t *testing.T, p corev1.Pod) {
	t.Helper()
	pvc := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: p.GetNamespace(), Name: claim(&p)}}
	if err := shared.client.Delete(t.Context(), pvc); err != nil {
		t.Fatalf("cannot delete volume: %v", err)
	}
	remove(t, p)
}

// replaced waits for another pod of the same name.
func replaced(p corev1.Pod) func(context.Context) error {
	return func(ctx context.Context) error {
		now := &corev1.Pod{}
		if err := shared.client.Get(ctx, client.ObjectKeyFromObject(&p), now); err != nil {
			return err
		}
		if now.GetUID() == p.GetUID() {
			return errors.Wrapf(errNotYet, "pod %s is still the same", p.GetName())
		}
		return nil
	}
}

// restarted waits until a container of the pod has been restarted.
func restarted(p corev1.Pod, container string) func(context.Context) error {
	return func(ctx context.Context) error {
		now := &corev1.Pod{}
		if err := shared.client.Get(ctx, client.ObjectKeyFromObject(&p), now); err != nil {
			return err
		}
		if now.GetUID() == p.GetUID() && restarts(now, container) == restarts(&p, container) {
			return errors.Wrapf(errNotYet, "container %s of %s was not restarted", container, p.GetName())
		}
		return nil
	}
}

func restarts(p *corev1.Pod, container string) int32 {
	for _, s := range append(slices.Clone(p.Status.InitContainerStatuses), p.Status.ContainerStatuses...) {
		if s.Name == container {
			return s.RestartCount
		}
	}
	return 0
}
