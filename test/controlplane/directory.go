package controlplane

import (
	"os"
	"path/filepath"
	"syscall"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// Folders below the repository's root.
const (
	// runs holds one folder for each control plane that runs.
	runs = ".cache/controlplane"

	// artifacts holds what is left of tests that failed.
	artifacts = ".cache/artifacts"

	// etcdData is etcd's data in a control plane's folder.
	etcdData = "etcd"

	// lockFile in a control plane's folder is locked while the control plane lives.
	lockFile = "lock"
)

// lockExclusive waits for a lock that nobody else has.
const lockExclusive = syscall.LOCK_EX

// errNoRoot means that the tests run outside of the repository.
var errNoRoot = errors.New("no go.mod in any folder above")

// repository returns the root of the repository that the tests run in.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", errors.Wrap(err, "cannot find working directory")
	}

	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}

	return "", errors.Wrap(errNoRoot, "cannot find the repository")
}

// directory is a control plane's folder. Who holds its lock owns it; the kernel
// takes the lock from a process that dies.
type directory struct {
	path string
	lock *os.File
}

// Sweep removes the folders of control planes that were killed with the process that started them. A new one does that, too.
func Sweep() error {
	_, sweeping, err := sweep()
	if err != nil {
		return err
	}

	return errors.Wrap(sweeping.Close(), "cannot unlock folder of control planes")
}

// newDirectory makes a folder and removes those whose owners are gone.
func newDirectory() (*directory, error) {
	// Making a folder and locking it is one step for whoever sweeps.
	parent, sweeping, err := sweep()
	if err != nil {
		return nil, err
	}
	defer func() { _ = sweeping.Close() }()

	path, err := os.MkdirTemp(parent, "run-")
	if err != nil {
		return nil, errors.Wrap(err, "cannot make folder of control plane")
	}

	l, err := lock(filepath.Join(path, lockFile), lockExclusive)
	if err != nil {
		return nil, err
	}

	return &directory{path: path, lock: l}, nil
}

// remove removes the folder and all that is in it.
func (d *directory) remove() error {
	defer func() { _ = d.lock.Close() }()

	return errors.Wrap(os.RemoveAll(d.path), "cannot remove folder of control plane")
}

// sweep removes the folders that nobody has locked. What it cannot remove stays for the next. It returns the folder that they are in, and the lock
// of it, for the caller to close.
func sweep() (parent string, sweeping *os.File, err error) {
	root, err := repository()
	if err != nil {
		return "", nil, err
	}

	parent = filepath.Join(root, runs)
	if err := os.MkdirAll(parent, 0o750); err != nil {
		return "", nil, errors.Wrap(err, "cannot make folder of control planes")
	}

	if sweeping, err = lock(filepath.Join(parent, lockFile), lockExclusive); err != nil {
		return "", nil, err
	}

	removeUnlocked(parent)

	return parent, sweeping, nil
}

func removeUnlocked(parent string) {
	old, err := filepath.Glob(filepath.Join(parent, "run-*"))
	if err != nil {
		return
	}

	for _, path := range old {
		l, err := lock(filepath.Join(path, lockFile), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			continue
		}

		_ = os.RemoveAll(path)
		_ = l.Close()
	}
}

// lock opens and locks a file, see flock(2).
func lock(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errors.Wrap(err, "cannot open lock")
	}

	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		_ = f.Close()
		return nil, errors.Wrap(err, "cannot lock")
	}

	return f, nil
}
