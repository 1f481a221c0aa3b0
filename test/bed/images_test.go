package bed

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// pinned returns the version of a module that a go.mod requires.
func pinned(t *testing.T, file, module string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		f := strings.Fields(strings.TrimPrefix(l, "require "))
		if len(f) > 1 && f[0] == module {
			return f[1]
		}
	}
	t.Fatalf("%s does not require %s", file, module)
	return ""
}

// TestImages proves that the bed serves every image that clusters use by default, made of the Multigres that the provider speaks to.
func TestImages(t *testing.T) {
	const multigres = "github.com/multigres/multigres"
	ours, served := pinned(t, "../../go.mod", multigres), pinned(t, "../../tools/multigres/go.mod", multigres)
	if diff := cmp.Diff(ours, served); diff != "" {
		t.Errorf("Multigres: -provider, +bed:\n%s", diff)
	}
	b, err := os.ReadFile("images.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := resolve.DefaultImages.Set
	for _, image := range []string{d.Multiadmin, d.MultiadminWeb, d.Multigateway, d.Multiorch, d.Multipooler, d.Postgres, d.Etcd, d.PostgresExporter} {
		if !strings.Contains(string(b), `"`+image+`"`) {
			t.Errorf("images.yaml does not make %s", image)
		}
	}
	if !strings.Contains(string(b), "multigres-"+ours+"/pgctld") {
		t.Errorf("images.yaml does not take the programs of %s", ours)
	}
}
