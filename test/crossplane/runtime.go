package crossplane

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/kubelet"
	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

const (
	// labelRevision is on the pods of packages.
	labelRevision = "pkg.crossplane.io/revision"

	// container of such a pod that runs the package's program.
	container = "package-runtime"
)

// listenFlags are the flags by which a package's program is told where to listen,
// by the names of the pod's ports. Pods have addresses of their own; here all
// have loopback, and each another port.
var listenFlags = map[string]string{"grpc": "--address", "metrics": "--metrics-address", "health": "--health-address"}

// errNoContainer means that a package's pod has no such container.
var errNoContainer = errors.New("pod has no container " + container)

// Runtime runs the programs of packages: what the pod that Crossplane made says,
// from the image that it names, with its environment, its Secrets and the
// token of its service account. Services are reached through the network's
// proxy.
func Runtime(cp *controlplane.ControlPlane) kubelet.Run {
	r := &packageRuntime{cp: cp}

	return r.run
}

type packageRuntime struct {
	cp *controlplane.ControlPlane
}

func (r *packageRuntime) run(ctx context.Context, k *kubelet.Kubelet, pod *corev1.Pod) (*kubelet.Container, error) {
	if pod.GetLabels()[labelRevision] == "" {
		return nil, nil
	}

	i := slices.IndexFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == container })
	if i < 0 {
		return nil, errors.Wrap(errNoContainer, pod.GetName())
	}

	c := &pod.Spec.Containers[i]

	images := filepath.Join(r.cp.Dir(), "images")
	if err := os.MkdirAll(images, 0o750); err != nil {
		return nil, errors.Wrap(err, "cannot make folder of images")
	}

	proxy, err := url.Parse(k.Network.URL)
	if err != nil {
		return nil, errors.Wrap(err, "cannot parse URL of proxy")
	}

	img, err := pull(ctx, c.Image, images, proxy)
	if err != nil {
		return nil, err
	}

	env, err := r.environment(ctx, k.Network, pod, c)
	if err != nil {
		return nil, err
	}

	// What they say helps to find out why a test failed, and some count it.
	path, args := img.command(c.Command, c.Args)
	args = append(args, "--debug")
	addresses := map[int32]string{}
	probed := ""

	for _, p := range c.Ports {
		flag, ok := listenFlags[p.Name]
		if !ok {
			continue
		}

		a, err := process.FreeAddress()
		if err != nil {
			return nil, err
		}

		addresses[p.ContainerPort] = a
		args = append(args, flag+"="+a)

		if p.Name != "metrics" {
			probed = a
		}
	}

	p, err := r.cp.Run(process.Config{Name: pod.GetName(), Path: path, Args: args, Env: append(img.config.Env, env...), Dir: img.root})
	if err != nil {
		return nil, err
	}

	return &kubelet.Container{
		Address: func(port int32) string { return addresses[port] },
		Ready:   func(ctx context.Context) error { return dial(ctx, probed) },
		Stop:    func(grace time.Duration) { p.Stop(grace) },
		Exited:  p.Exited(),
		Process: p,
	}, nil
}

// environment is that of a container, with the paths of its Secrets as they are here.
func (r *packageRuntime) environment(ctx context.Context, network *kubelet.Network, pod *corev1.Pod, c *corev1.Container) ([]string, error) {
	mounts := map[string]string{}

	for _, m := range c.VolumeMounts {
		i := slices.IndexFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if i < 0 || pod.Spec.Volumes[i].Secret == nil {
			continue
		}

		dir, err := writeSecret(ctx, r.cp.Client(), pod.GetNamespace(), pod.Spec.Volumes[i].Secret.SecretName, r.cp.Dir())
		if err != nil {
			return nil, err
		}

		mounts[m.MountPath] = dir
	}

	env := network.Env()

	for _, e := range c.Env {
		value := e.Value
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil {
			value = field(pod, e.ValueFrom.FieldRef.FieldPath)
		}

		for mount, dir := range mounts {
			if value == mount || strings.HasPrefix(value, mount+"/") {
				value = dir + strings.TrimPrefix(value, mount)
			}
		}

		env = append(env, e.Name+"="+value)
	}

	if !ptr.Deref(pod.Spec.AutomountServiceAccountToken, true) {
		return env, nil
	}

	cfg, err := r.cp.ServiceAccount(ctx, pod.GetNamespace(), pod.Spec.ServiceAccountName)
	if err != nil {
		return nil, err
	}

	kubeconfig, err := r.cp.Kubeconfig(cfg)

	return append(env, "KUBECONFIG="+kubeconfig), err
}

// field is what the downward API says for a path that packages use.
func field(pod *corev1.Pod, path string) string {
	return map[string]string{
		"metadata.name": pod.GetName(), "metadata.namespace": pod.GetNamespace(), "metadata.uid": string(pod.GetUID()),
		"spec.nodeName": pod.Spec.NodeName, "spec.serviceAccountName": pod.Spec.ServiceAccountName,
	}[path]
}

// dial is nil if somebody listens.
func dial(ctx context.Context, address string) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return errors.Wrap(err, "cannot dial")
	}

	return errors.Wrap(c.Close(), fmt.Sprintf("cannot hang up on %s", address))
}
