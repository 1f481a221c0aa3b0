package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asPlugin makes the test binary be the plugin.
const asPlugin = "TEST_AS_KUBECTL_MULTIGRES"

func TestMain(m *testing.M) {
	if os.Getenv(asPlugin) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// topo is the smallest composite of ours: it needs nothing beside it.
const topo = `
apiVersion: multigres.com/v1alpha1
kind: TopoServer
metadata: {name: topo, namespace: app}
spec:
  clusterName: orders
  etcd: {image: etcd:1, replicas: 3, storage: {size: 1Gi}, rootPath: /m}
`

// names are what topo becomes.
const names = `toposerver.multigres.com/app/topo
poddisruptionbudget.policy/app/topo-pdb
service/app/topo
service/app/topo-headless
statefulset.apps/app/topo
`

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "objects.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMainProgram runs the plugin as a person does.
func TestMainProgram(t *testing.T) {
	valid := file(t, topo)
	observed := file(t, `
apiVersion: v1
kind: Service
metadata:
  name: somebody-elses-name
  namespace: app
  annotations: {crossplane.io/composition-resource-name: topo-service}
`)
	type want struct {
		code           int
		stdout, stderr []string
	}
	cases := map[string]struct {
		reason string
		args   []string
		stdin  string
		want   want
	}{
		"YAML": {
			reason: "By default all objects are printed as YAML.",
			args:   []string{"render", valid},
			want:   want{stdout: []string{"kind: StatefulSet", "kind: PodDisruptionBudget", "name: topo-headless"}},
		},
		"Names": {
			reason: "Names are one a line.",
			args:   []string{"render", valid, "--output=names"},
			want:   want{stdout: []string{names}},
		},
		"TreeUntilReady": {
			reason: "A tree shows what is ready.",
			args:   []string{"render", valid, "--until-ready", "-o", "tree"},
			want:   want{stdout: []string{"● TopoServer topo  [Healthy: ", "● StatefulSet topo  (replicas 3)", "5 objects, 5 ready: 2 Service, "}},
		},
		"Stdin": {
			reason: "A dash reads standard input.",
			args:   []string{"render", "-", "-o", "names"},
			stdin:  topo,
			want:   want{stdout: []string{names}},
		},
		"SeveralFiles": {
			reason: "Several files may hold several composites.",
			args:   []string{"render", valid, file(t, strings.ReplaceAll(topo, "name: topo", "name: local")), "-o", "names"},
			want:   want{stdout: []string{names, "toposerver.multigres.com/app/local\n"}},
		},
		"Observed": {
			reason: "What exists already keeps its name.",
			args:   []string{"render", valid, "--observed", observed, "-o", "names"},
			want:   want{stdout: []string{"service/app/somebody-elses-name\n"}},
		},
		"Invalid": {
			reason: "A composite that the function refuses is an error with everything that is wrong.",
			args:   []string{"render", "-"},
			stdin:  `{apiVersion: multigres.com/v1alpha1, kind: TableGroup, metadata: {name: tg}, spec: {shards: [{name: a}, {name: a}]}}`,
			want:   want{code: 1, stderr: []string{"TableGroup tg is invalid", "spec.databaseName: Required", "spec.tableGroupName: Required", `spec.shards[1].name: Duplicate value: "a"`}},
		},
		"OneInvalid": {
			reason: "Nothing is printed if one of several composites is refused, and every refusal is.",
			args:   []string{"render", valid, "-"},
			stdin:  `{apiVersion: multigres.com/v1alpha1, kind: TableGroup, metadata: {name: one}}` + "\n---\n" + `{apiVersion: multigres.com/v1alpha1, kind: TableGroup, metadata: {name: two}}`,
			want:   want{code: 1, stderr: []string{"TableGroup one is invalid", "TableGroup two is invalid"}},
		},
		"WrongType": {
			reason: "A value of the wrong type is named by its path.",
			args:   []string{"render", "-"},
			stdin:  strings.ReplaceAll(topo, "replicas: 3", "replicas: many"),
			want:   want{code: 1, stderr: []string{"spec.etcd.replicas: Invalid value"}},
		},
		"NoComposite": {
			reason: "Files without anything to render are an error.",
			args:   []string{"render", observed},
			want:   want{code: 1, stderr: []string{"cannot render: the files hold no composite resource of ours and no claim"}},
		},
		"NotYAML": {
			reason: "What is no YAML is an error that names the file.",
			args:   []string{"render", file(t, "{{")},
			want:   want{code: 1, stderr: []string{"objects.yaml"}},
		},
		"NoFile": {
			reason: "A file that is not there is an error that names it.",
			args:   []string{"render", "absent.yaml"},
			want:   want{code: 1, stderr: []string{"absent.yaml"}},
		},
		"NoObservedFile": {
			reason: "So is one with observed objects.",
			args:   []string{"render", valid, "--observed", "absent.yaml"},
			want:   want{code: 1, stderr: []string{"absent.yaml"}},
		},
		"UnplacedObserved": {
			reason: "An observed object without its key cannot be placed.",
			args:   []string{"render", valid, "--observed", file(t, `{apiVersion: v1, kind: Service, metadata: {name: s}}`)},
			want:   want{code: 1, stderr: []string{`cannot place observed Service "s"`}},
		},
		"NoTime": {
			reason: "What is no time is refused.",
			args:   []string{"render", valid, "--at", "yesterday"},
			want:   want{code: 80, stderr: []string{"--at"}},
		},
		"OutputUnknown": {
			reason: "An output that does not exist is refused, with those that do.",
			args:   []string{"render", valid, "-o", "json"},
			want:   want{code: 80, stderr: []string{`"yaml","tree","names"`}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			stdout, stderr := &bytes.Buffer{}, &bytes.Buffer{}
			cmd := exec.CommandContext(t.Context(), os.Args[0], tc.args...)
			cmd.Env = append(os.Environ(), asPlugin+"=1")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(tc.stdin), stdout, stderr
			code := 0
			exit := &exec.ExitError{}
			if err := cmd.Run(); errors.As(err, &exit) {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want.code, code); diff != "" {
				t.Errorf("\n%s\nexit code: -want, +got:\n%s\n%s", tc.reason, diff, stderr)
			}
			for _, s := range tc.want.stdout {
				if !strings.Contains(stdout.String(), s) {
					t.Errorf("\n%s\nstdout: want %q in:\n%s", tc.reason, s, stdout)
				}
			}
			if len(tc.want.stdout) == 0 && code == 1 && stdout.Len() > 0 {
				t.Errorf("\nWhat is wrong is not printed to be applied.\nstdout: want nothing, got:\n%s", stdout)
			}
			for _, s := range tc.want.stderr {
				if !strings.Contains(stderr.String(), s) {
					t.Errorf("\n%s\nstderr: want %q in:\n%s", tc.reason, s, stderr)
				}
			}
		})
	}
}
