package v1alpha1_test

import (
	"path/filepath"
	"testing"

	"github.com/crossplane-multigres/crossplane-multigres/internal/schematest"
)

const packages = "../../package"

// definitions returns the schemas that an API server has of all kinds of the
// group once the packages are installed, by the plural of the kind.
func definitions(t *testing.T) map[string]*schematest.Schema {
	t.Helper()

	out := map[string]*schematest.Schema{}
	add := func(plural string, s *schematest.Schema, err error) {
		if err != nil {
			t.Fatalf("cannot load %s: %v", plural, err)
		}

		out[plural] = s
	}

	for _, plural := range []string{"multigresclusters", "xmultigresclusters", "toposervers", "cells", "tablegroups", "shards"} {
		s, err := schematest.LoadXRD(filepath.Join(packages, "configuration", "xrd-"+plural+".yaml"))
		add(plural, s, err)
	}

	for _, plural := range []string{"coretemplates", "celltemplates", "shardtemplates"} {
		s, err := schematest.LoadCRD(filepath.Join(packages, "provider", "crds", "multigres.com_"+plural+".yaml"))
		add(plural, s, err)
	}

	s, err := schematest.LoadClaim(filepath.Join(packages, "configuration", "xrd-xmultigresclusters.yaml"))
	add("multigresclusterclaims", s, err)

	return out
}
