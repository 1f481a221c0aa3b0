//go:build fault

package fault

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// env says what happens where: FAULT=point:action:count, and more of them separated by commas. The action takes place when the
// point is hit for the count-th time. It is kill, stop (until SIGCONT), or a duration to wait for.
const env = "FAULT"

// A plan is what happens at a point.
type plan struct {
	action string
	count  int
}

var (
	mu    sync.Mutex
	hits  = map[Point]int{}
	plans = parse(os.Getenv(env))
)

// Hit a point.
func Hit(p Point) {
	mu.Lock()
	hits[p]++
	n := hits[p]
	mu.Unlock()
	for _, pl := range plans[p] {
		if pl.count == n {
			act(p, pl)
		}
	}
}

func act(p Point, pl plan) {
	fmt.Fprintf(os.Stderr, "fault: %s at %s, hit %d\n", pl.action, p, pl.count)
	switch pl.action {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	default:
		d, err := time.ParseDuration(pl.action)
		if err != nil {
			panic(err)
		}
		time.Sleep(d)
	}
}

// parse the environment. What makes no sense ends the process: a test that asks for it would test nothing.
func parse(s string) map[Point][]plan {
	out := map[Point][]plan{}
	for f := range strings.SplitSeq(s, ",") {
		if f == "" {
			continue
		}
		parts := strings.Split(f, ":")
		if len(parts) != 3 {
			panic(env + ": want point:action:count, got " + f)
		}
		n, err := strconv.Atoi(parts[2])
		if err != nil {
			panic(err)
		}
		out[Point(parts[0])] = append(out[Point(parts[0])], plan{action: parts[1], count: n})
	}
	return out
}
