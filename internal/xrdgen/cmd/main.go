// Command cmd generates the CompositeResourceDefinitions, the Compositions, the
// activation policy and the definitions of plain kinds. Run it in the root of
// the repository, after controller-gen.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/crossplane-multigres/crossplane-multigres/internal/xrdgen"
)

func main() {
	o := xrdgen.Options{}
	registry := ""

	flag.StringVar(&o.CRDs, "crds", ".cache/crd", "Folder with the definitions that controller-gen made of apis/v1alpha1.")
	flag.StringVar(&o.Configuration, "configuration", "package/configuration", "Folder of the Configuration package.")
	flag.StringVar(&o.ProviderCRDs, "provider-crds", "package/provider/crds", "Folder with the definitions of the Provider package.")
	flag.StringVar(&registry, "registry", xrdgen.DefaultRegistry, "Registry that the packages are published to; names the function.")
	flag.StringVar(&o.FunctionName, "function-name", "", "Name of the function. Defaults to what the package manager calls it.")
	flag.Parse()

	if o.FunctionName == "" {
		o.FunctionName = xrdgen.FunctionName(registry)
	}

	if err := xrdgen.Generate(o); err != nil {
		fmt.Fprintln(os.Stderr, "xrdgen:", err)
		os.Exit(1)
	}
}
