package render

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

// TestCommands runs every command of every example's README, as it stands there, from the root of the repository.
func TestCommands(t *testing.T) {
	l := start(t)
	programs := map[string]string{
		"kubectl multigres ": filepath.Join(filepath.Dir(l.Function), "kubectl-multigres") + " ",
		"crossplane ":        l.CLI.Path + " ",
	}
	t.Run("Examples", func(t *testing.T) {
		for _, name := range names(t) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				e := load(t, name)
				seen := map[string]bool{}
				for _, c := range commands(t, filepath.Join(e.dir, "README.md")) {
					for typed, program := range programs {
						args, ok := strings.CutPrefix(c, typed)
						if !ok {
							continue
						}
						seen[typed] = true
						out, code := run(t, program+args, l.address)
						e.check(t, c, out, code)
					}
				}
				if len(seen) != len(programs) {
					t.Errorf("The README must show all of %v, it shows %v", programs, seen)
				}
			})
		}
	})
}

// check holds what a command printed against what the README says of it.
func (e *example) check(t *testing.T, command, out string, code int) {
	t.Helper()
	want := 0
	if e.name == invalid {
		want = 1
	}
	if code != want {
		t.Fatalf("%s\nwant exit code %d, got %d:\n%s", command, want, code, out)
	}
	if e.name == invalid {
		return
	}
	if strings.HasSuffix(command, "-o tree") {
		b, err := os.ReadFile(filepath.Join(e.dir, fileTree))
		if err != nil {
			t.Fatal(err)
		}
		if d := lines(string(b), out); d != "" {
			t.Errorf("%s\n-want, +got:\n%s", command, d)
		}
		return
	}
	us, err := manifest.Decode([]byte(out))
	if err != nil || len(us) < 2 {
		t.Errorf("%s\nwant a composite and what it composes, got %d objects, %v:\n%s", command, len(us), err, out)
	}
}

// commands returns the commands of the README's shell blocks, each on one line.
func commands(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, block := range strings.Split(string(b), "```") {
		sh, ok := strings.CutPrefix(block, "sh\n")
		if i%2 == 0 || !ok {
			continue
		}
		out = append(out, strings.Split(strings.TrimSpace(strings.ReplaceAll(sh, " \\\n  ", " ")), "\n")...)
	}
	return out
}

// run runs a command and returns its output and its exit code. The function of these tests listens somewhere else than the one
// that a person starts.
func run(t *testing.T, command, address string) (string, int) {
	t.Helper()
	args := strings.Fields(command)
	if strings.Contains(command, "functions.yaml") {
		args = append(args, "--function-annotations", "render.crossplane.io/runtime-development-target=dns:///"+address)
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = filepath.Dir(examplesDir)
	stdout, stderr := &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	exit := &exec.ExitError{}
	if err := cmd.Run(); errors.As(err, &exit) {
		return stdout.String() + stderr.String(), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return stdout.String(), 0
}
