package reliability

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// reported are the rows of the table of this run.
var reported []string

// A line is what is told of one thing that was done to a cluster. Without a client there is no outage.
type line struct {
	scenario, what   string
	outage, recovery time.Duration
	rows, lost       int
	load             string
}

// tell prints a line and keeps it for the table.
func tell(l line) {
	outage := "-"
	if l.outage > 0 {
		outage = fmt.Sprintf("%.1f s", l.outage.Seconds())
	}
	fmt.Printf("reliability: %-21s %-40s outage %6s  recovery %5.1f s  rows %5d  lost %d  load %s\n",
		l.scenario, l.what, outage, l.recovery.Seconds(), l.rows, l.lost, l.load)
	reported = append(reported, fmt.Sprintf("| `%s` | %s | %s | %.0f s | %d of %d | %s |",
		l.scenario, l.what, outage, l.recovery.Seconds(), l.lost, l.rows, l.load))
}

// report writes the table, for docs/reliability.md, to .cache/reliability.md.
func report() error {
	if len(reported) == 0 {
		return nil
	}
	table := "| Scenario | Event | Outage | Recovery | Lost | Load |\n| --- | --- | --- | --- | --- | --- |\n" + strings.Join(reported, "\n") + "\n"
	return errors.Wrap(os.WriteFile(filepath.Join(shared.Cache, "reliability.md"), []byte(table), 0o600), "cannot write table")
}
