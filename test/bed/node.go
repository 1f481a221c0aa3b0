package bed

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// errNoNamespace means that the process is not alone in its control groups.
var errNoNamespace = errors.New("not at the root of the control group namespace")

// sysctls that the kubelet would write for the whole machine. It finds the values that it wants in files of the node.
var sysctls = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// EnterNode becomes the first process of a node: joins its control groups and network, and starts RunNode in namespaces of
// its own. It returns only with an error.
func EnterNode(c Config, n Node, self string, args []string) error {
	// Before the namespaces are made: the control group namespace is rooted where its first process is.
	if err := c.joinCgroups(n); err != nil {
		return err
	}
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		return errors.Wrap(err, "cannot find program")
	}
	argv := append([]string{
		"nsenter", "--net=" + filepath.Join(netns, c.namespace(n.Name())),
		"unshare", "--cgroup", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--propagation", "private", self,
	}, args...)
	return errors.Wrap(syscall.Exec(nsenter, argv, os.Environ()), "cannot enter namespaces")
}

// RunNode runs a node, as the first process of its namespaces. It returns only with an error.
func RunNode(c Config, n Node) error {
	if err := syscall.Sethostname([]byte(n.Name())); err != nil {
		return errors.Wrap(err, "cannot set host name")
	}
	if err := c.mountNode(n); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600); err != nil {
		return errors.Wrap(err, "cannot forward packets between pods")
	}
	if err := c.environment(); err != nil {
		return err
	}
	dir := c.NodeDir(n)
	run := func(name string, args ...string) program {
		return program{name: name, path: c.bin(name), args: args, log: filepath.Join(dir, "log", name+".log")}
	}
	const socket = "/run/containerd/containerd.sock"
	kubelet := run("kubelet", "--config="+filepath.Join(dir, "kubelet.yaml"), "--kubeconfig="+c.file(n.Name()+".kubeconfig"),
		"--hostname-override="+n.Name(), "--node-ip="+n.Address(), "--node-labels=topology.kubernetes.io/zone="+n.Zone, "--v=2")
	kubelet.after = socket
	return supervise([]program{
		run("containerd", "-c", filepath.Join(dir, "containerd.toml")),
		kubelet,
		run("kube-proxy", "--config="+filepath.Join(dir, "proxy.yaml"), "--hostname-override="+n.Name(), "--v=2"),
	})
}

// environment lets the node's programs find each other, and nft, which is not installed but unpacked.
func (c Config) environment() error {
	host := filepath.Join(c.Cache, "images", "host", "usr")
	libs, err := filepath.Glob(filepath.Join(host, "lib", "*-linux-gnu"))
	if err != nil {
		return errors.Wrap(err, "cannot find libraries")
	}
	for k, v := range map[string][]string{
		"PATH":            {filepath.Join(c.Dir(), "bin"), filepath.Join(host, "sbin"), os.Getenv("PATH")},
		"LD_LIBRARY_PATH": libs,
	} {
		if err := os.Setenv(k, strings.Join(v, ":")); err != nil {
			return errors.Wrap(err, "cannot set environment")
		}
	}
	return nil
}

// writeNode writes the files of a node's programs.
func (c Config) writeNode(n Node) error {
	dir := c.NodeDir(n)
	for _, d := range []string{"kubelet", "containerd", "log", "varlog", "cni", "registries/_default", "sysctl"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o750); err != nil {
			return errors.Wrap(err, "cannot make folder of a node")
		}
	}
	cni, err := filepath.EvalSymlinks(c.bin("cni"))
	if err != nil {
		return errors.Wrap(err, "cannot find CNI plugins")
	}
	data := map[string]any{
		"Node": n, "Dir": dir, "CNI": cni, "Registry": Registry, "CA": c.file("ca.crt"), "Cert": c.file(n.Name() + ".crt"), "Key": c.file(n.Name() + ".key"),
		"DNS": dnsService, "Domain": domain, "Kubeconfig": c.file("proxy.kubeconfig"), "PodCIDR": podCIDR,
	}
	for name, file := range map[string]string{
		"cni.json": "cni/10-pods.conflist", "containerd.toml": "containerd.toml", "hosts.toml": "registries/_default/hosts.toml",
		"kubelet.yaml": "kubelet.yaml", "proxy.yaml": "proxy.yaml",
	} {
		if err := render("files/"+name, filepath.Join(dir, file), data); err != nil {
			return err
		}
	}
	// Nothing is resolved but what is inside.
	return errors.Wrap(os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver "+hubAddress+"\n"), 0o600), "cannot write file of a node")
}

// A mount is one call of mount(2).
type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

// mountNode gives a node what must be its own: its view of processes and control groups, and the folders that programs
// use whatever they are told.
func (c Config) mountNode(n Node) error {
	dir := c.NodeDir(n)
	cgroups, err := cgroupMounts()
	if err != nil {
		return err
	}
	mounts := []mount{
		// Pods' volumes are mounted by the kubelet and seen by containerd.
		{target: "/", flags: syscall.MS_SHARED | syscall.MS_REC},
		{source: "proc", target: "/proc", kind: "proc"},
		{source: "sysfs", target: "/sys", kind: "sysfs"},
		{source: "tmpfs", target: "/sys/fs/cgroup", kind: "tmpfs"},
	}
	mounts = append(mounts, cgroups...)
	mounts = append(mounts,
		mount{source: "tmpfs", target: "/run", kind: "tmpfs"},
		// A proc that nothing is mounted over: pods with a user namespace need one.
		mount{source: "proc", target: "/run/.proc", kind: "proc"},
		mount{source: "tmpfs", target: "/var/lib", kind: "tmpfs"},
		mount{source: filepath.Join(dir, "kubelet"), target: "/var/lib/kubelet", flags: syscall.MS_BIND},
		mount{source: filepath.Join(dir, "containerd"), target: "/var/lib/containerd", flags: syscall.MS_BIND},
		mount{source: "tmpfs", target: "/var/lib/cni", kind: "tmpfs"},
		mount{source: filepath.Join(dir, "varlog"), target: "/var/log", flags: syscall.MS_BIND},
	)
	for _, m := range mounts {
		if err := m.do(); err != nil {
			return err
		}
	}
	for name, value := range sysctls {
		f := filepath.Join(dir, "sysctl", strings.ReplaceAll(name, "/", "."))
		if err := os.WriteFile(f, []byte(value+"\n"), 0o600); err != nil {
			return errors.Wrap(err, "cannot write sysctl")
		}
		if err := (mount{source: f, target: "/proc/sys/" + name, flags: syscall.MS_BIND}).do(); err != nil {
			return err
		}
	}
	return nil
}

func (m mount) do() error {
	if m.flags&syscall.MS_SHARED == 0 {
		// Folders on the file systems that were mounted before.
		if strings.HasPrefix(m.target, "/run/") || strings.HasPrefix(m.target, "/var/lib/") || strings.HasPrefix(m.target, "/sys/fs/cgroup/") {
			if err := os.MkdirAll(m.target, 0o755); err != nil {
				return errors.Wrap(err, "cannot make mount point")
			}
		}
	}
	return errors.Wrapf(syscall.Mount(m.source, m.target, m.kind, m.flags, m.data), "cannot mount %s", m.target)
}

// cgroupMounts are the hierarchies that this process is in, each with its root where the process is.
func cgroupMounts() ([]mount, error) {
	f, err := os.Open("/proc/self/cgroup")
	if err != nil {
		return nil, errors.Wrap(err, "cannot read control groups")
	}
	defer func() { _ = f.Close() }()
	var out []mount
	for sc := bufio.NewScanner(f); sc.Scan(); {
		// id:controllers:path
		parts := strings.SplitN(sc.Text(), ":", 3)
		if len(parts) != 3 || parts[2] != "/" {
			return nil, errors.Wrapf(errNoNamespace, "cannot use %q", sc.Text())
		}
		switch name, named := strings.CutPrefix(parts[1], "name="); {
		case parts[1] == "":
			out = append(out, mount{source: "cgroup2", target: "/sys/fs/cgroup/unified", kind: "cgroup2"})
		case named:
			out = append(out, mount{source: "cgroup", target: "/sys/fs/cgroup/" + name, kind: "cgroup", data: "none,name=" + name})
		default:
			out = append(out, mount{source: "cgroup", target: "/sys/fs/cgroup/" + parts[1], kind: "cgroup", data: parts[1]})
		}
	}
	return out, nil
}

// pidFile holds the process that waits for a node's, or the hub's, first process.
func (c Config) pidFile(name string) string {
	return filepath.Join(c.Dir(), fmt.Sprintf("%s.pid", name))
}
