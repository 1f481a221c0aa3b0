package bed

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// Down ends the bed, all that runs in it, and all that was made for it: processes, control groups, network namespaces and its
// folder with all volumes. It can be repeated, and does nothing for a bed that is not there. What was built stays.
func (c Config) Down() error {
	if err := c.Validate(); err != nil {
		return err
	}
	notes, err := filepath.Glob(c.pidFile("*"))
	if err != nil {
		return errors.Wrap(err, "cannot list processes")
	}
	for _, f := range notes {
		if err := c.kill(strings.TrimSuffix(filepath.Base(f), ".pid")); err != nil {
			return err
		}
	}
	if err := c.deleteNetworks(); err != nil {
		return err
	}
	if err := c.deleteCgroups(); err != nil {
		return err
	}
	return errors.Wrap(os.RemoveAll(c.Dir()), "cannot remove folder of bed")
}
