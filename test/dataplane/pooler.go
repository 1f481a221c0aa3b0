package dataplane

import (
	"context"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/test/kubelet"
	"github.com/crossplane-multigres/crossplane-multigres/test/pooler"
)

const (
	// containerPooler is the container whose arguments say which pooler it is.
	containerPooler = "multipooler"

	// volumeData is the pod's volume with PostgreSQL's data.
	volumeData = "pgdata"

	// orchestrate is the time between two passes of a shard's orchestrator.
	orchestrate = 250 * time.Millisecond

	// stopTimeout bounds how long a pooler tells others that it ends.
	stopTimeout = 5 * time.Second

	// dialTimeout bounds a call of a topology server.
	dialTimeout = 2 * time.Second
)

// errNoData means that a pod has no volume for its data.
var errNoData = errors.New("pod has no volume " + volumeData)

// errNoCell means that the topology has no record of a pooler's cell.
var errNoCell = errors.New("topology has no record of the cell")

// shard is a simulated shard and the volumes of its poolers.
type shard struct {
	*pooler.Shard

	end     context.CancelFunc
	clients []*clientv3.Client
	places  map[string]pooler.Place
	volumes map[pooler.ID]string
}

// Shard returns the simulated shard of a cluster, nil if none of its poolers ever ran.
func (d *DataPlane) Shard(namespace, cluster, database, tableGroup, name string) *pooler.Shard {
	d.shardsMu.Lock()
	defer d.shardsMu.Unlock()

	if s := d.shards[path.Join(namespace, cluster, database, tableGroup, name)]; s != nil {
		return s.Shard
	}

	return nil
}

// container is one pooler's.
type container struct {
	*DataPlane

	pod    *corev1.Pod
	key    string
	id     pooler.ID
	flags  map[string]string
	mounts []corev1.VolumeMount

	mu      sync.Mutex
	started *shard
}

// pooler is the container of a pooler: ready when it is in the cohort.
func (d *DataPlane) pooler(k *kubelet.Kubelet, pod *corev1.Pod) (*kubelet.Container, error) {
	i := slices.IndexFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == containerPooler })
	if i < 0 {
		return nil, errors.Errorf("pod %s has no container %s", pod.GetName(), containerPooler)
	}

	flags := map[string]string{}

	for _, a := range pod.Spec.Containers[i].Args {
		if name, value, ok := strings.Cut(strings.TrimPrefix(a, "--"), "="); ok {
			flags[name] = value
		}
	}

	c := &container{
		DataPlane: d, pod: pod, flags: flags, mounts: pod.Spec.Containers[i].VolumeMounts,
		id:  pooler.ID{Cell: flags["cell"], Name: flags["service-id"]},
		key: path.Join(pod.GetNamespace(), pod.GetLabels()[naming.LabelCluster], flags["database"], flags["table-group"], flags["shard"]),
	}

	return &kubelet.Container{Ready: func(ctx context.Context) error { return c.ready(ctx, k) }, Stop: c.stop}, nil
}

// ready starts the pooler if it does not run, and is nil when it is in the cohort.
func (c *container) ready(ctx context.Context, k *kubelet.Kubelet) error {
	c.mu.Lock()
	defer c.mu.Unlock()

	if c.started == nil {
		s, err := c.start(ctx, k)
		if err != nil {
			return err
		}

		c.started = s
	}

	if !slices.Contains(c.started.Cohort(), c.id) {
		return errors.Wrap(errNotYet, "it is not in the cohort")
	}

	return nil
}

func (c *container) start(ctx context.Context, k *kubelet.Kubelet) (*shard, error) {
	volume, err := c.dataVolume(ctx)
	if err != nil {
		return nil, err
	}

	// One after the other in a shard, and no shard waits for another: the topology server of one may be dead.
	starting := c.startingOf(c.key)
	starting.Lock()
	defer starting.Unlock()

	s, err := c.shard(ctx, k)
	if err != nil {
		return nil, err
	}

	if err := c.place(ctx, k, s); err != nil {
		return nil, err
	}

	if old, ok := s.volumes[c.id]; ok && old != volume {
		s.Wipe(c.id)
	}

	s.volumes[c.id] = volume

	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()

	return s, errors.Wrap(s.Start(ctx, c.id), "cannot start pooler")
}

// stop ends the pooler, with a word to others if it has time.
func (c *container) stop(grace time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if c.started == nil {
		return
	}

	if grace == 0 {
		c.started.Kill(c.id)
		return
	}

	ctx, cancel := context.WithTimeout(c.ctx, min(grace, stopTimeout))
	defer cancel()

	if err := c.started.Terminate(ctx, c.id); err != nil {
		c.started.Kill(c.id)
	}
}

// shard returns the pooler's shard: a new one if there is none, or nothing is
// left of the one that there was.
func (c *container) shard(ctx context.Context, k *kubelet.Kubelet) (*shard, error) {
	if s := c.known(c.key); s != nil {
		left, err := c.left(ctx, s)
		if err != nil || left {
			return s, err
		}

		s.close()
		c.know(c.key, nil)
	}

	s := &shard{places: map[string]pooler.Place{}, volumes: map[pooler.ID]string{}}

	global, err := c.connect(ctx, k, s, c.flags["topo-global-server-addresses"])
	if err != nil {
		return nil, err
	}

	cfg, err := c.serverTLS(ctx)
	if err != nil {
		return nil, err
	}

	s.places[""] = pooler.Place{Client: global, Root: c.flags["topo-global-root"]}
	s.Shard = pooler.NewShard(pooler.Config{
		Database: c.flags["database"], TableGroup: c.flags["table-group"], Shard: c.flags["shard"],
		Global: s.places[""], Cells: map[string]pooler.Place{}, TLS: cfg,
	})
	c.know(c.key, s)

	var running context.Context
	running, s.end = context.WithCancel(c.ctx)

	go s.Run(running, orchestrate) //nolint:contextcheck // The shard outlives the call that finds it first.

	return s, nil
}

// left is true if a pooler of a shard runs or a volume of it is there.
func (c *container) left(ctx context.Context, s *shard) (bool, error) {
	if len(s.Running()) > 0 {
		return true, nil
	}

	for _, volume := range s.volumes {
		err := c.client.Get(ctx, client.ObjectKey{Name: volume}, &corev1.PersistentVolume{})
		if client.IgnoreNotFound(err) != nil {
			return false, errors.Wrap(err, "cannot get volume")
		}

		if err == nil {
			return true, nil
		}
	}

	return false, nil
}

// startingOf returns the lock of all that starts in a shard.
func (d *DataPlane) startingOf(key string) *sync.Mutex {
	d.shardsMu.Lock()
	defer d.shardsMu.Unlock()

	if d.starting[key] == nil {
		d.starting[key] = &sync.Mutex{}
	}

	return d.starting[key]
}

func (d *DataPlane) known(key string) *shard {
	d.shardsMu.Lock()
	defer d.shardsMu.Unlock()

	return d.shards[key]
}

func (d *DataPlane) know(key string, s *shard) {
	d.shardsMu.Lock()
	defer d.shardsMu.Unlock()

	if s == nil {
		delete(d.shards, key)

		return
	}

	d.shards[key] = s
}

func (s *shard) close() {
	s.end()
	s.Close()

	for _, c := range s.clients {
		_ = c.Close()
	}
}

// place tells the shard where the records of the pooler's cell are: what the
// topology says.
func (c *container) place(ctx context.Context, k *kubelet.Kubelet, s *shard) error {
	if _, ok := s.places[c.id.Cell]; ok {
		return nil
	}

	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()

	global := s.places[""]

	res, err := global.Client.Get(ctx, path.Join(global.Root, "cells", c.id.Cell, "Cell"))
	if err != nil {
		return errors.Wrap(err, "cannot read the cell's record")
	}

	if len(res.Kvs) == 0 {
		return errors.Wrap(errNoCell, c.id.Cell)
	}

	cell := &clustermetadatapb.Cell{}
	if err := proto.Unmarshal(res.Kvs[0].Value, cell); err != nil {
		return errors.Wrap(err, "cannot parse the cell's record")
	}

	if len(cell.GetServerAddresses()) == 0 {
		return errors.Wrap(errNoCell, c.id.Cell)
	}

	server, err := c.connect(ctx, k, s, cell.GetServerAddresses()[0])
	if err != nil {
		return err
	}

	s.places[c.id.Cell] = pooler.Place{Client: server, Root: cell.GetRoot()}
	s.SetPlace(c.id.Cell, s.places[c.id.Cell])

	return nil
}

// connect returns a client of the topology server at an address of the cluster's network. Without a scheme it is spoken to over
// TLS if the pooler has the means, as real ones do.
func (c *container) connect(ctx context.Context, k *kubelet.Kubelet, s *shard, address string) (*clientv3.Client, error) {
	address, _, _ = strings.Cut(address, ",")

	if !strings.Contains(address, "://") {
		scheme := "http://"
		if c.flags[flagTopologyCA] != "" {
			scheme = "https://"
		}

		address = scheme + address
	}

	cfg := clientv3.Config{
		Endpoints: []string{address}, DialTimeout: dialTimeout, Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(k.Network.Dial)},
	}

	if strings.HasPrefix(address, "https://") {
		var err error
		if cfg.TLS, err = c.topologyTLS(ctx); err != nil {
			return nil, err
		}
	}

	e, err := clientv3.New(cfg)
	if err != nil {
		return nil, errors.Wrap(err, "cannot make client")
	}

	s.clients = append(s.clients, e)

	return e, nil
}

// dataVolume is the name of the volume with the pod's data.
func (c *container) dataVolume(ctx context.Context) (string, error) {
	for _, v := range c.pod.Spec.Volumes {
		if v.Name == volumeData && v.PersistentVolumeClaim != nil {
			return c.volume(ctx, c.pod.GetNamespace(), v.PersistentVolumeClaim.ClaimName)
		}
	}

	return "", errors.Wrap(errNoData, c.pod.GetName())
}
