package dataplane

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
	"github.com/crossplane-multigres/crossplane-multigres/test/kubelet"
)

const (
	labelComponent      = naming.LabelComponent
	componentGlobalTopo = naming.ComponentGlobalTopo
	componentLocalTopo  = naming.ComponentLocalTopo
	componentPool       = naming.ComponentShardPool

	// clientPort is etcd's in the pods.
	clientPort = 2379

	// claimPrefix and firstMember make the claim of a StatefulSet's first member.
	claimPrefix = "data-"
	firstMember = "-0"
)

// topology is a topology server: one etcd for all its members, on the first one's volume.
type topology struct {
	server  *etcd.Server
	volume  string
	members int
}

// Topology returns the etcd of a topology server, nil if it never ran.
func (d *DataPlane) Topology(namespace, name string) *etcd.Server {
	d.mu.Lock()
	defer d.mu.Unlock()

	if t := d.topos[namespace+"/"+name]; t != nil {
		return t.server
	}

	return nil
}

// member is the container of one member.
func (d *DataPlane) member(pod *corev1.Pod) *kubelet.Container {
	namespace := pod.GetNamespace()
	name := pod.GetName()[:strings.LastIndexByte(pod.GetName(), '-')]
	joined := false

	// Ready and Stop are of one pod and never called at the same time.
	return &kubelet.Container{
		Address: func(port int32) string {
			if s := d.Topology(namespace, name); s != nil && port == clientPort {
				return s.Address
			}

			return ""
		},
		Ready: func(ctx context.Context) error {
			if joined {
				return nil
			}

			err := d.join(ctx, namespace, name)
			joined = err == nil

			return err
		},
		Stop: func(time.Duration) {
			if joined {
				d.leave(namespace, name)
			}
		},
	}
}

// join adds a member and starts etcd if it is the first.
func (d *DataPlane) join(ctx context.Context, namespace, name string) error {
	volume, err := d.volume(ctx, namespace, claimPrefix+name+firstMember)
	if err != nil {
		return err
	}

	d.mu.Lock()
	defer d.mu.Unlock()

	key := namespace + "/" + name
	t := d.topos[key]

	switch {
	case t == nil || t.volume != volume && t.members == 0:
		dir := filepath.Join(d.dir, "etcd-"+volume)
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return errors.Wrap(err, "cannot make folder")
		}

		server, err := etcd.New(dir)
		if err != nil {
			return err
		}

		t = &topology{server: server, volume: volume}
		d.topos[key] = t
	case t.members == 0:
		if err := t.server.Start(); err != nil {
			return err
		}
	}

	t.members++

	return nil
}

// leave removes a member and stops etcd with the last.
func (d *DataPlane) leave(namespace, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()

	t := d.topos[namespace+"/"+name]
	if t.members--; t.members == 0 {
		t.server.Kill()
	}
}
