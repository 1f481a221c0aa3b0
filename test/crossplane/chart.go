package crossplane

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

// release is the name under which the chart is installed, and the name of the
// core's service account.
const release = "crossplane"

// rights are the chart's templates that make service accounts and what they may do.
var rights = []string{
	"serviceaccount", "clusterrole", "clusterrolebinding",
	"rbac-manager-serviceaccount", "rbac-manager-clusterrole", "rbac-manager-clusterrolebinding",
	"rbac-manager-managed-clusterroles", "rbac-manager-allowed-provider-permissions",
}

// chartObjects renders templates of the chart in a folder, with its own values.
// Helm's functions are those that these templates use; a template that uses
// another is an error.
func chartObjects(folder string, names ...string) ([]*unstructured.Unstructured, error) {
	values, err := chartValues(folder)
	if err != nil {
		return nil, err
	}

	t := template.New("chart").Option("missingkey=zero")
	t.Funcs(template.FuncMap{
		"default":    func(d, v any) any { return firstNonEmpty(v, d) },
		"include":    func(name string, data any) (string, error) { return execute(t, name, data) },
		"indent":     indent,
		"nindent":    func(n int, s string) string { return "\n" + indent(n, s) },
		"quote":      func(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) },
		"replace":    func(old, with, s string) string { return strings.ReplaceAll(s, old, with) },
		"toYaml":     toYAML,
		"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
		"trunc":      func(n int, s string) string { return s[:min(n, len(s))] },
	})

	for _, name := range append([]string{"_helpers.tpl"}, files(names)...) {
		b, err := os.ReadFile(filepath.Join(folder, "templates", name))
		if err != nil {
			return nil, errors.Wrap(err, "cannot read template")
		}

		if _, err := t.New(name).Parse(string(b)); err != nil {
			return nil, errors.Wrap(err, "cannot parse template")
		}
	}

	var all []*unstructured.Unstructured

	for _, name := range files(names) {
		text, err := execute(t, name, values)
		if err != nil {
			return nil, err
		}

		objects, err := manifest.Decode([]byte(text))
		if err != nil {
			return nil, errors.Wrapf(err, "cannot read what %s renders", name)
		}

		all = append(all, objects...)
	}

	return all, nil
}

func files(names []string) []string {
	all := make([]string, 0, len(names))
	for _, n := range names {
		all = append(all, n+".yaml")
	}

	return all
}

// chartValues are what templates get.
func chartValues(folder string) (map[string]any, error) {
	var chart struct {
		Name, Version, AppVersion string
	}
	values := map[string]any{}

	for file, into := range map[string]any{"Chart.yaml": &chart, "values.yaml": &values} {
		b, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			return nil, errors.Wrap(err, "cannot read chart")
		}

		if err := yaml.Unmarshal(b, into); err != nil {
			return nil, errors.Wrapf(err, "cannot parse %s", file)
		}
	}

	return map[string]any{
		"Values":  values,
		"Chart":   chart,
		"Release": map[string]any{"Name": release, "Namespace": Namespace, "Service": "Helm"},
	}, nil
}

func execute(t *template.Template, name string, data any) (string, error) {
	b := &bytes.Buffer{}
	err := t.ExecuteTemplate(b, name, data)

	return b.String(), errors.Wrapf(err, "cannot render %s", name)
}

func firstNonEmpty(v, d any) any {
	if v == nil || v == "" {
		return d
	}

	return v
}

func indent(n int, s string) string {
	pad := strings.Repeat(" ", n)

	return pad + strings.ReplaceAll(s, "\n", "\n"+pad)
}

func toYAML(v any) (string, error) {
	b, err := yaml.Marshal(v)

	return strings.TrimSuffix(string(b), "\n"), errors.Wrap(err, "cannot encode")
}
