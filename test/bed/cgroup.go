package bed

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// hierarchies are the roots of the machine's control group hierarchies: those of cgroup v1, systemd's and that of v2.
func hierarchies() ([]string, error) {
	found, err := filepath.Glob("/sys/fs/cgroup/*/cgroup.procs")
	if err != nil {
		return nil, errors.Wrap(err, "cannot list control groups")
	}
	for i := range found {
		found[i] = filepath.Dir(found[i])
	}
	return found, nil
}

// createCgroups makes a node's group in each hierarchy. What a node that died has left in it is removed: the kubelet would
// look at each of them for seconds.
func (c Config) createCgroups(n Node) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		group := filepath.Join(root, c.cgroup(n))
		if err := removeGroups(group); err != nil {
			return err
		}
		if err := os.MkdirAll(group, 0o750); err != nil {
			return errors.Wrap(err, "cannot make control group")
		}
		for _, dir := range []string{filepath.Dir(group), group} {
			if err := inheritCPUs(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// inheritCPUs gives a group of the cpuset controller what its parent has; without, no process can join it.
func inheritCPUs(group string) error {
	for _, f := range []string{"cpuset.cpus", "cpuset.mems"} {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(group), f))
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return errors.Wrap(err, "cannot read control group")
		}
		if _, err := os.Stat(filepath.Join(group, f)); errors.Is(err, os.ErrNotExist) {
			// cgroup v2.
			return nil
		}
		if err := os.WriteFile(filepath.Join(group, f), b, 0o600); err != nil {
			return errors.Wrap(err, "cannot fill control group")
		}
	}
	return nil
}

// joinCgroups moves this process into a node's groups.
func (c Config) joinCgroups(n Node) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		f := filepath.Join(root, c.cgroup(n), "cgroup.procs")
		if err := os.WriteFile(f, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			return errors.Wrapf(err, "cannot join control group")
		}
	}
	return nil
}

// deleteCgroups removes all groups of the bed.
func (c Config) deleteCgroups() error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := removeGroups(filepath.Join(root, "multigres-"+c.Name)); err != nil {
			return err
		}
	}
	return nil
}

// removeGroups removes a group and those below it. Processes that were killed leave their groups a little later.
func removeGroups(group string) error {
	var dirs []string
	err := filepath.WalkDir(group, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return errors.Wrap(err, "cannot list control groups")
	}
	for _, d := range slices.Backward(dirs) {
		for try := 0; ; try++ {
			err := os.Remove(d)
			if err == nil || errors.Is(err, os.ErrNotExist) {
				break
			}
			if try == 100 {
				return errors.Wrap(err, "cannot remove control group")
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return nil
}
