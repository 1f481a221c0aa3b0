package sim

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A story is what happened in a world, line by line. It is only told when it is wanted: most worlds are never read.
type story struct {
	w     *world
	told  bool
	lines []string
}

// tellf notes that somebody did something.
func (s *story) tellf(who, format string, args ...any) {
	if !s.told {
		return
	}
	text := longName.ReplaceAllStringFunc(fmt.Sprintf(format, args...), short)
	s.lines = append(s.lines, fmt.Sprintf("%s  %-10s %s", clock(s.w.elapsed()), who, text))
}

func (s *story) String() string { return strings.Join(s.lines, "\n") }

// longName is the name of a pod or a volume as it is in Kubernetes.
var longName = regexp.MustCompile(`(data-)?orders-postgres-default-0-inf-pool-[a-z0-9-]+-[0-9]+`)

// brief formats a duration for a person.
func brief(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }
