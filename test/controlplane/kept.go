package controlplane

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clientv3 "go.etcd.io/etcd/client/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// kept holds one folder of data for each name, below the folder of control planes.
	kept = "kept"

	// stopGrace is how long etcd has to write what it holds.
	stopGrace = 30 * time.Second

	// identity is etcd's key of the namespace whose UID identifies a cluster.
	identity = "/registry/namespaces/" + metav1.NamespaceSystem
)

// Keep says how to prepare an API server once, for all control planes that are started with the same. Its data is kept in
// .cache/controlplane/kept, and each of them begins with a copy; only the identity of the cluster, the UID of kube-system, is new each
// time. When anything changes on which the data depends, it is prepared anew and what was kept before under the name is removed.
type Keep struct {
	// Name of the data.
	Name string

	// Inputs are files and folders from which Prepare makes the data. Programs
	// and CRDs of the control plane need not be named.
	Inputs []string

	// Prepare fills an API server that has the CRDs. Nothing else runs yet. Nil does nothing.
	Prepare func(ctx context.Context, c *ControlPlane) error
}

// startKept starts etcd and the API server with data that is kept, or is from now on.
func (c *ControlPlane) startKept(ctx context.Context) error {
	data, err := c.kept()
	if err != nil {
		return err
	}

	// Another one that prepares the same waits, and then has it.
	preparing, err := lock(filepath.Join(filepath.Dir(data), c.opts.Keep.Name+"."+lockFile), lockExclusive)
	if err != nil {
		return err
	}
	defer func() { _ = preparing.Close() }()

	if _, err := os.Stat(data); err == nil {
		if err := os.CopyFS(c.file(etcdData), os.DirFS(data)); err != nil {
			return errors.Wrap(err, "cannot copy data")
		}

		_ = preparing.Close()

		return c.startAPIServer(ctx)
	}

	if err := c.startAPIServer(ctx); err != nil {
		return err
	}

	if err := c.InstallCRDs(ctx, c.opts.CRDs...); err != nil {
		return err
	}

	if c.opts.Keep.Prepare != nil {
		if err := c.opts.Keep.Prepare(ctx, c); err != nil {
			return errors.Wrap(err, "cannot prepare data to keep")
		}
	}

	return c.keepData(ctx, data)
}

// keepData copies the data of etcd while it does not run, and starts it again.
func (c *ControlPlane) keepData(ctx context.Context, data string) error {
	c.apiServer.Kill()

	if err := c.forget(ctx); err != nil {
		return err
	}

	c.etcd.Stop(stopGrace)

	// There is never half of it, and never two of a name.
	old, err := filepath.Glob(filepath.Join(filepath.Dir(data), c.opts.Keep.Name+"-*"))
	if err != nil {
		return errors.Wrap(err, "cannot list data")
	}

	temporary := c.file("kept")
	if err := os.CopyFS(temporary, os.DirFS(c.file(etcdData))); err != nil {
		return errors.Wrap(err, "cannot copy data")
	}

	for _, path := range old {
		_ = os.RemoveAll(path)
	}

	if err := os.Rename(temporary, data); err != nil {
		return errors.Wrap(err, "cannot keep data")
	}

	if err := c.etcd.Start(); err != nil {
		return err
	}

	if err := c.apiServer.Start(); err != nil {
		return err
	}

	return c.Ready(ctx)
}

// forget removes what identifies the cluster. An API server that starts makes it anew.
func (c *ControlPlane) forget(ctx context.Context) error {
	e, err := clientv3.New(clientv3.Config{Endpoints: []string{c.store}, DialTimeout: startTimeout})
	if err != nil {
		return errors.Wrap(err, "cannot make client of etcd")
	}
	defer func() { _ = e.Close() }()

	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	_, err = e.Delete(ctx, identity)

	return errors.Wrap(err, "cannot remove identity")
}

// kept returns where the data is, or is to be: its name says all that it depends on.
func (c *ControlPlane) kept() (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}

	parent := filepath.Join(root, runs, kept)
	if err := os.MkdirAll(parent, 0o750); err != nil {
		return "", errors.Wrap(err, "cannot make folder of data")
	}

	h := sha256.New()

	// Programs have their versions in their names.
	for _, env := range []string{EnvEtcd, EnvAPIServer} {
		path, err := program(env)
		if err != nil {
			return "", err
		}

		_, _ = io.WriteString(h, filepath.Base(path)+"\x00")
	}

	for _, path := range slices.Concat(c.opts.CRDs, c.opts.Keep.Inputs) {
		if err := sum(h, path); err != nil {
			return "", errors.Wrapf(err, "cannot read %s", path)
		}
	}

	return filepath.Join(parent, c.opts.Keep.Name+"-"+hex.EncodeToString(h.Sum(nil))[:16]), nil
}

// sum adds the names and contents of all files below a path.
func sum(h hash.Hash, path string) error {
	return filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}

		b, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return errors.Wrap(err, "cannot read")
		}

		_, _ = io.WriteString(h, file+"\x00")
		_, _ = h.Write(b)

		return nil
	})
}
