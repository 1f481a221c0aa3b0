package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// envParent tells the test's program to be the process whose death is tested.
const envParent = "PROCESS_TEST_LOG"

func TestMain(m *testing.M) {
	if log := os.Getenv(envParent); log != "" {
		parent(log)
	}

	os.Exit(m.Run())
}

// parent starts a child from a thread that ends, prints the child's number, and waits to be killed.
func parent(log string) {
	started := make(chan *Process)

	go func() {
		// A goroutine that ends without unlocking takes its thread with it.
		runtime.LockOSThread()

		p, err := Start(Config{Name: "sleep", Path: "sleep", Args: []string{"300"}, Log: log})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		started <- p
	}()

	p := <-started

	select {
	case <-p.Exited():
		fmt.Println("ended with the thread that started it")
	case <-time.After(time.Second):
		fmt.Println(p.PID())
	}

	select {}
}

// TestParentKilled shows that nothing is left behind when a test is killed.
func TestParentKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envParent+"="+filepath.Join(t.TempDir(), "log"))

	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}

	pid := 0
	if _, err := fmt.Sscan(line, &pid); err != nil {
		_ = cmd.Process.Kill()
		t.Fatalf("no child: %s", line)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("child does not run: %v", err)
	}

	_ = cmd.Process.Kill()
	_ = cmd.Wait()

	eventually(t, "child is gone", func() bool { return gone(pid) })
}

// gone is true if a process has ended, whether or not anybody has waited for it.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))

	return err != nil || strings.Contains(string(b), ") Z ")
}

func TestLife(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")

	p, err := Start(Config{Name: "shell", Path: "sh", Args: []string{"-c", "echo $WORD; exec sleep 300"}, Env: []string{"WORD=hello"}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()

	eventually(t, "it speaks", func() bool { return p.Tail(100) == "hello\n" })

	if err := p.Start(); !errors.Is(err, ErrRunning) {
		t.Errorf("a running process should not start: -want, +got:\n-%v\n+%v", ErrRunning, err)
	}

	p.Pause()
	if got := p.state(); got != 'T' {
		t.Errorf("a paused process should be stopped, is %q", got)
	}

	p.Resume()
	eventually(t, "it goes on", func() bool { return p.state() == 'S' })

	first := p.PID()
	if err := p.Restart(); err != nil {
		t.Fatal(err)
	}
	if p.PID() == first || !gone(first) {
		t.Errorf("process %d should be another one after a restart", first)
	}

	eventually(t, "it speaks again", func() bool { return p.Tail(100) == "hello\nhello\n" })
	if got := p.Tail(3); got != "lo\n" {
		t.Errorf("Tail(3): got %q", got)
	}

	p.Pause()
	p.Kill()
	p.Kill()
	p.Pause()
}

func TestStop(t *testing.T) {
	cases := map[string]struct {
		reason string
		script string
		want   string
	}{
		"Obeys": {
			reason: "A process that ends when asked should not be killed.",
			script: "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.01; done",
			want:   "up\nbye\n",
		},
		"Refuses": {
			reason: "A process that does not end in time should be killed.",
			script: "trap '' TERM; echo up; while :; do sleep 0.01; done",
			want:   "up\n",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p, err := Start(Config{Name: name, Path: "sh", Args: []string{"-c", tc.script}, Log: filepath.Join(t.TempDir(), "log")})
			if err != nil {
				t.Fatal(err)
			}

			eventually(t, "it is up", func() bool { return p.Tail(10) == "up\n" })

			grace := 20 * time.Second
			if name == "Refuses" {
				grace = 50 * time.Millisecond
			}
			p.Stop(grace)

			if got := p.Tail(100); got != tc.want {
				t.Errorf("%s\n-want, +got:\n-%s\n+%s", tc.reason, tc.want, got)
			}
		})
	}
}

func TestNoProgram(t *testing.T) {
	if _, err := Start(Config{Name: "none", Path: "/does/not/exist", Log: filepath.Join(t.TempDir(), "log")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that does not exist: got %v", err)
	}
	if _, err := Start(Config{Name: "none", Path: "true", Log: filepath.Join(t.TempDir(), "no", "log")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a log that cannot be written: got %v", err)
	}
}

func TestPorts(t *testing.T) {
	seen := map[int]bool{}

	for range 200 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if seen[port] {
			t.Fatalf("port %d was given twice", port)
		}
		seen[port] = true

		if err := ReservePort(port); !errors.Is(err, ErrNoPort) {
			t.Fatalf("port %d can be had twice: %v", port, err)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()

	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}

	t.Fatalf("not within 20 s: %s", what)
}
