package bed

import (
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

var (
	// ErrUnsupported means that this machine cannot run a bed. Tests that need one are skipped, loudly.
	ErrUnsupported = errors.New("this machine cannot run a bed")

	// ErrNotBuilt means that something is missing that `make bed-up` builds.
	ErrNotBuilt = errors.New("not built")
)

// Programs that a bed runs, by the names that they are called by, and their files in the cache's bin, which may end in a version.
var Programs = map[string]string{
	"etcd":                    "etcd-v*",
	"kube-apiserver":          "kube-apiserver-v*",
	"kube-controller-manager": "kube-controller-manager-v*",
	"kube-scheduler":          "kube-scheduler-v*",
	"kubelet":                 "kubelet-v*",
	"kube-proxy":              "kube-proxy-v*",
	"kubectl":                 "kubectl-v*",
	"containerd":              "containerd-v*",
	"containerd-shim-runc-v2": "containerd-shim-runc-v2-v*",
	"ctr":                     "ctr-v*",
	"runc":                    "runc-v*",
	"registry":                "registry",
	"cni":                     "cni-v*",
}

// Needed on the machine itself: programs of util-linux and iproute2, and what its images and runc are built with.
var needed = []string{"ip", "nsenter", "unshare", "apt-get", "dpkg", "gcc", "perl"}

// capabilities of root that containers need, by their bits in /proc/self/status.
var capabilities = map[string]uint{"CAP_NET_ADMIN": 12, "CAP_SYS_CHROOT": 18, "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_MKNOD": 27}

// controllers of cgroup v1 that the kubelet wants. Whoever has them all has mounted each on its own.
var controllers = []string{"cpu", "cpuacct", "cpuset", "memory", "pids", "freezer", "devices"}

// Supported says what is missing on this machine. The error wraps ErrUnsupported.
func Supported() error {
	var missing []string
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	}
	for _, p := range needed {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, "program "+p)
		}
	}
	missing = append(missing, missingCapabilities()...)
	for _, c := range controllers {
		if _, err := os.Stat("/sys/fs/cgroup/" + c + "/cgroup.procs"); err != nil {
			missing = append(missing, "cgroup v1 controller "+c)
		}
	}
	b, err := os.ReadFile("/proc/filesystems")
	if err != nil || !strings.Contains(string(b), "\toverlay\n") {
		missing = append(missing, "file system overlay")
	}
	if len(missing) == 0 {
		return nil
	}
	return errors.Wrapf(ErrUnsupported, "cannot do without %s", strings.Join(missing, ", "))
}

func missingCapabilities() []string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return []string{"/proc"}
	}
	var effective uint64
	for l := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(l, "CapEff:"); ok {
			effective = parseHex(strings.TrimSpace(v))
		}
	}
	var out []string
	for name, bit := range capabilities {
		if effective>>bit&1 == 0 {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func parseHex(s string) uint64 {
	var v uint64
	for _, r := range strings.ToLower(s) {
		v <<= 4
		if i := strings.IndexRune("0123456789abcdef", r); i >= 0 {
			v |= uint64(i)
		}
	}
	return v
}
