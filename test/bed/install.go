package bed

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// Install says what to install.
type Install struct {
	// Crossplane is a file with the objects of Crossplane's chart.
	Crossplane string

	// Push is the command that pushes the packages to the bed's registry.
	Push []string

	// Manifest is what a user applies.
	Manifest string
}

// Install installs Crossplane and our packages, all of which run in pods.
func (c Config) Install(ctx context.Context, i Install, done Progress) error {
	if _, err := c.InHub(ctx, i.Push...); err != nil {
		return err
	}
	done("packages pushed")
	crossplane, err := os.ReadFile(filepath.Clean(i.Crossplane))
	if err != nil {
		return errors.Wrap(err, "cannot read Crossplane's manifest")
	}
	if _, err := c.Kubectl(ctx, []byte(crossplaneNamespace), "apply", "--server-side", "-f", "-"); err != nil {
		return err
	}
	if err := c.Apply(ctx, crossplane); err != nil {
		return err
	}
	// Its kinds are there when its first process has made them.
	for _, d := range []string{"crossplane", "crossplane-rbac-manager"} {
		if _, err := c.Kubectl(ctx, nil, "-n", "crossplane-system", "rollout", "status", "--timeout=5m", "deployment/"+d); err != nil {
			return err
		}
	}
	done("Crossplane")
	if _, err := c.Kubectl(ctx, nil, "apply", "--server-side", "-f", i.Manifest); err != nil {
		return err
	}
	for _, p := range []string{"functions", "providers", "configurations"} {
		if _, err := c.Kubectl(ctx, nil, "wait", "--for=condition=Healthy", "--timeout=5m", "--all", p); err != nil {
			return err
		}
	}
	if _, err := c.Kubectl(ctx, nil, "wait", "--for=condition=Established", "--timeout=2m", "xrd", "--all"); err != nil {
		return err
	}
	done("packages healthy")
	return nil
}

// The pods of Crossplane and of packages fulfil the strictest standard, so it is enforced.
const crossplaneNamespace = `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"crossplane-system"}}`

// InHub runs a program in the network of the hub, from which registry, API server, nodes and pods can be reached.
func (c Config) InHub(ctx context.Context, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + filepath.Join(netns, c.namespace("")), "--"}, argv...)...)
	out, err := cmd.CombinedOutput()
	return string(out), errors.Wrapf(err, "cannot run %s: %s", strings.Join(argv, " "), strings.TrimSpace(string(out)))
}
