package bed

import (
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// Addresses inside of a bed. They cannot clash with anything outside.
const (
	network     = "10.209.0.0/16"
	hubAddress  = "10.209.0.1"
	serviceCIDR = "10.210.0.0/16"
	podCIDR     = "10.211.0.0/16"

	// kubernetesService is the first address of the services, which Kubernetes takes for itself.
	kubernetesService = "10.210.0.1"
	dnsService        = "10.210.0.10"

	apiPort      = 6443
	registryPort = 5000
	domain       = "cluster.local"
)

// Registry is where the bed's registry listens, for its pods and nodes. It holds all images under every registry's name.
const Registry = "10.209.0.1:5000"

// errName means that a bed cannot be called that.
var errName = errors.New("want one to eight lower-case letters and digits")

var validName = regexp.MustCompile(`^[a-z0-9]{1,8}$`)

// Config says which bed, and from what it is made.
type Config struct {
	// Name tells beds apart.
	Name string

	// Cache is the folder with what was built: bin, images, and bed/<name>, the bed's own.
	Cache string

	// Zones are the nodes' failure zones, one node each.
	Zones []string

	// Listen is the TCP address of the API server on the machine; a port of 0 is a free one.
	Listen string
}

// Validate says what is wrong with a configuration.
func (c Config) Validate() error {
	if !validName.MatchString(c.Name) {
		return errors.Wrapf(errName, "cannot call a bed %q", c.Name)
	}
	return nil
}

// A Node is one node of a bed.
type Node struct {
	// Index counts from 1.
	Index int
	Zone  string
}

// Name of the node in Kubernetes.
func (n Node) Name() string { return fmt.Sprintf("n%d", n.Index) }

// Address of the node.
func (n Node) Address() string { return fmt.Sprintf("10.209.0.%d", 10+n.Index) }

// Pods are the addresses of its pods.
func (n Node) Pods() string { return fmt.Sprintf("10.211.%d.0/24", n.Index) }

// Nodes returns the nodes of the bed.
func (c Config) Nodes() []Node {
	out := make([]Node, 0, len(c.Zones))
	for i, z := range c.Zones {
		out = append(out, Node{Index: i + 1, Zone: z})
	}
	return out
}

// Dir is the bed's folder. It goes away with the bed.
func (c Config) Dir() string { return filepath.Join(c.Cache, "bed", c.Name) }

// Kubeconfig is the file with which the machine's users reach the API server as administrators.
func (c Config) Kubeconfig() string { return filepath.Join(c.Dir(), "kubeconfig") }

// NodeDir is the folder of one node.
func (c Config) NodeDir(n Node) string { return filepath.Join(c.Dir(), n.Name()) }

// Log is the file that a program writes to.
func (c Config) log(program string) string { return filepath.Join(c.Dir(), "log", program+".log") }

// file is one of the hub's files.
func (c Config) file(name string) string { return filepath.Join(c.Dir(), "hub", name) }

// bin is a program. The bed's folder has links that leave versions out.
func (c Config) bin(name string) string { return filepath.Join(c.Dir(), "bin", name) }

// namespace is the name of the network namespace of a node, or of the hub if that is empty.
func (c Config) namespace(node string) string {
	if node == "" {
		return "multigres-" + c.Name
	}
	return "multigres-" + c.Name + "-" + node
}

// cgroup is the path of a node's control groups below each hierarchy's root.
func (c Config) cgroup(n Node) string { return filepath.Join("multigres-"+c.Name, n.Name()) }
