// Command pause is the first process of a pod: it waits until it is told to end, and reaps what others leave.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for s := range signals {
		if s != syscall.SIGCHLD {
			return
		}
		var status syscall.WaitStatus
		for pid := 1; pid > 0; {
			pid, _ = syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		}
	}
}
