package reliability

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
)

// keep writes all there is to know of a namespace and of Crossplane to .cache/artifacts/<scenario>, if the scenario has failed.
func keep(t *testing.T, namespace string) {
	t.Helper()
	if !t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	defer cancel()
	dir := filepath.Join(shared.Cache, "artifacts", t.Name())
	for _, ns := range []string{namespace, "crossplane-system"} {
		into := filepath.Join(dir, ns)
		if err := errors.Join(controlplane.Snapshot(ctx, shared.rest, into, ns), podLogs(ctx, into, ns)); err != nil {
			t.Log(errors.Wrap(err, "cannot keep everything"))
		}
	}
	t.Logf("artifacts are in %s, and the logs of the nodes in %s while the bed is up", dir, shared.Dir())
}

// podLogs writes the logs of all containers of a namespace, and what they said before their last restart.
func podLogs(ctx context.Context, dir, namespace string) error {
	k, err := kubernetes.NewForConfig(shared.rest)
	if err != nil {
		return errors.Wrap(err, "cannot make client")
	}
	pods := &corev1.PodList{}
	if err := shared.client.List(ctx, pods, client.InNamespace(namespace)); err != nil {
		return errors.Wrap(err, "cannot list pods")
	}
	var errs []error
	for _, p := range pods.Items {
		for _, s := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
			errs = append(errs, podLog(ctx, k, dir, &p, s.Name, false))
			if s.LastTerminationState.Terminated != nil {
				errs = append(errs, podLog(ctx, k, dir, &p, s.Name, true))
			}
		}
	}
	return errors.Join(errs...)
}

func podLog(ctx context.Context, k kubernetes.Interface, dir string, p *corev1.Pod, container string, previous bool) error {
	in, err := k.CoreV1().Pods(p.GetNamespace()).GetLogs(p.GetName(), &corev1.PodLogOptions{Container: container, Previous: previous}).Stream(ctx)
	if err != nil {
		return errors.Wrapf(err, "cannot read log of %s", p.GetName())
	}
	defer func() { _ = in.Close() }()
	name := p.GetName() + "." + container
	if previous {
		name += ".previous"
	}
	if err := os.MkdirAll(filepath.Join(dir, "log"), 0o750); err != nil {
		return errors.Wrap(err, "cannot make folder")
	}
	b, err := io.ReadAll(in)
	if err != nil {
		return errors.Wrapf(err, "cannot read log of %s", p.GetName())
	}
	return errors.Wrap(os.WriteFile(filepath.Join(dir, "log", name+".log"), b, 0o600), "cannot write log")
}
