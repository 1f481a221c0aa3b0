package engine

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

const (
	// resultKind is the kind of the documents in which "crossplane render"
	// prints function results.
	resultKind = "Result"

	// crossplaneImage names the folder of the schema cache in which "beta
	// validate" looks for Crossplane's own CRDs.
	crossplaneImage = "xpkg.crossplane.io/crossplane/crossplane:local"
)

// ErrInvalid means that an object does not fit its schema.
var ErrInvalid = errors.New("object does not fit its schema")

// CLI is the program "crossplane" that users have.
type CLI struct {
	// Path of the program.
	Path string

	// Schemas is its cache folder of downloaded schemas, for Validate.
	Schemas string
}

// Render runs "crossplane render". A fatal result of the function is not an
// error but Output.Fatal.
func (c CLI) Render(ctx context.Context, in Input) (Output, error) {
	dir, err := os.MkdirTemp("", "crossplane-render-")
	if err != nil {
		return Output{}, errors.Wrap(err, "cannot make a folder for the render's input")
	}
	defer os.RemoveAll(dir) //nolint:errcheck // It is a temporary folder.

	args := []string{"render"}
	files := []struct {
		flag, name string
		objects    []*unstructured.Unstructured
	}{
		{name: "xr.yaml", objects: []*unstructured.Unstructured{in.Composite}},
		{name: "composition.yaml", objects: []*unstructured.Unstructured{in.Composition}},
		{name: "functions.yaml", objects: developmentFunctions(in.Functions)},
		{flag: "--xrd", name: "xrd.yaml", objects: optional(in.Definition)},
		{flag: "--observed-resources", name: "observed.yaml", objects: in.Observed},
		{flag: "--required-resources", name: "required.yaml", objects: in.Required},
	}

	for _, f := range files {
		if len(f.objects) == 0 {
			continue
		}

		path, err := writeFile(dir, f.name, f.objects)
		if err != nil {
			return Output{}, err
		}

		if f.flag != "" {
			args = append(args, f.flag)
		}

		args = append(args, path)
	}

	stdout, stderr, err := c.run(ctx, append(args, "--include-function-results")...)
	if err != nil && !strings.Contains(stderr, fatalMarker) {
		return Output{}, errors.Wrapf(err, "cannot render: %s", tidy(stderr))
	}

	if err != nil {
		return Output{Fatal: fatalMessage(stderr)}, nil
	}

	us, err := manifest.Decode(stdout)
	if err != nil {
		return Output{}, errors.Wrap(err, "cannot read what was rendered")
	}

	return stable(split(us)), nil
}

// split sorts the documents that "crossplane render" prints: the composite
// resource first, then composed resources, then results.
func split(us []*unstructured.Unstructured) Output {
	out := Output{}

	for i, u := range us {
		if i == 0 {
			out.Composite = u
			continue
		}

		if u.GetKind() != resultKind || !strings.HasPrefix(u.GetAPIVersion(), "render.crossplane.io/") {
			out.Composed = append(out.Composed, u)
			continue
		}

		severity, _, _ := unstructured.NestedString(u.Object, "severity")
		message, _, _ := unstructured.NestedString(u.Object, "message")

		e := Event{Type: "Normal", Message: message}
		if severity != "SEVERITY_NORMAL" {
			e.Type = "Warning"
		}

		out.Events = append(out.Events, e)
	}

	return out
}

// Validate runs "crossplane beta validate": each object's structure, unknown
// fields and CEL rules are checked against the schemas in extensions, which are
// files or folders of XRDs and CRDs. It returns an error that wraps ErrInvalid
// and lists every complaint if an object does not fit. Kinds without a schema
// (those of Kubernetes itself) are not checked: missing returns their names.
func (c CLI) Validate(ctx context.Context, extensions []string, objects ...*unstructured.Unstructured) (missing []string, err error) {
	dir, err := os.MkdirTemp("", "crossplane-validate-")
	if err != nil {
		return nil, errors.Wrap(err, "cannot make a folder for the objects")
	}
	defer os.RemoveAll(dir) //nolint:errcheck // It is a temporary folder.

	path, err := writeFile(dir, "objects.yaml", objects)
	if err != nil {
		return nil, err
	}

	stdout, stderr, err := c.run(ctx, "beta", "validate", "--skip-success-results",
		"--cache-dir", c.Schemas, "--crossplane-image", crossplaneImage,
		strings.Join(extensions, ","), path)

	const (
		unknown   = "[!] could not find CRD/XRD for: "
		complaint = "[x] "
		other     = "[!] "
	)

	var complaints []string

	for line := range strings.Lines(string(stdout)) {
		line = strings.TrimSpace(line)

		if kind, ok := strings.CutPrefix(line, unknown); ok {
			missing = append(missing, kind)
			continue
		}

		if strings.HasPrefix(line, complaint) || strings.HasPrefix(line, other) {
			complaints = append(complaints, line)
		}
	}

	slices.Sort(missing)
	missing = slices.Compact(missing)

	if len(complaints) > 0 {
		return missing, errors.Wrap(ErrInvalid, strings.Join(complaints, "\n"))
	}

	return missing, errors.Wrapf(err, "cannot validate: %s", tidy(stderr))
}

func (c CLI) run(ctx context.Context, args ...string) (stdout []byte, stderr string, err error) {
	o, e := &bytes.Buffer{}, &bytes.Buffer{}
	cmd := exec.CommandContext(ctx, c.Path, args...)
	cmd.Stdout, cmd.Stderr = o, e
	err = cmd.Run()

	return o.Bytes(), e.String(), err
}

// developmentFunctions are the Function objects that make "crossplane render"
// call functions that already run, instead of starting containers.
func developmentFunctions(addresses map[string]string) []*unstructured.Unstructured {
	var fns []*unstructured.Unstructured

	for _, name := range slices.Sorted(maps.Keys(addresses)) {
		fns = append(fns, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "pkg.crossplane.io/v1",
			"kind":       "Function",
			"metadata": map[string]any{
				"name": name,
				"annotations": map[string]any{
					"render.crossplane.io/runtime":                    "Development",
					"render.crossplane.io/runtime-development-target": "dns:///" + addresses[name],
				},
			},
			// Never fetched: the annotations say where the function runs.
			"spec": map[string]any{"package": "example.org/" + name + ":v0.0.0"},
		}})
	}

	return fns
}

func optional(u *unstructured.Unstructured) []*unstructured.Unstructured {
	if u == nil {
		return nil
	}

	return []*unstructured.Unstructured{u}
}

func writeFile(dir, name string, us []*unstructured.Unstructured) (string, error) {
	bs, err := manifest.Encode(us...)
	if err != nil {
		return "", err
	}

	path := filepath.Join(dir, name)

	return path, errors.Wrapf(os.WriteFile(path, bs, 0o600), "cannot write %s", name)
}
