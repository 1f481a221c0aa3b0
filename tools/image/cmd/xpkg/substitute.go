package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/crossplane/crossplane-runtime/v2/pkg/xpkg"
	"github.com/google/go-containerregistry/pkg/name"
)

// What the sources name. The default of --registry is the same.
const (
	sourceRegistry  = "ghcr.io/crossplane-multigres"
	sourceNamespace = "crossplane-system"
)

// errVersion means that the version is not one that Crossplane can compare.
var errVersion = errors.New("want a semantic version with a leading v and without build metadata, as in v0.1.0")

var (
	// reference is a package of ours with its version.
	reference = regexp.MustCompile(regexp.QuoteMeta(sourceRegistry) + `/([a-z]+-multigres):v[0-9A-Za-z.-]+`)
	// dependency is a package of ours with the version that its dependent wants.
	dependency = regexp.MustCompile(regexp.QuoteMeta(sourceRegistry) + `/([a-z]+-multigres)\n( *)version: .*`)
	// object is the name that Crossplane makes of a package of ours.
	object = regexp.MustCompile(`\bcrossplane-multigres-((?:function|provider)-multigres)\b`)
	// inNamespace is a reference into Crossplane's namespace.
	inNamespace = regexp.MustCompile(`namespace: ` + sourceNamespace + `\b`)
)

// A substitution puts the target into sources.
type substitution struct {
	target

	// names are those of package objects.
	names map[string]string
}

func newSubstitution(t target) (*substitution, error) {
	if !strings.HasPrefix(t.Version, "v") {
		return nil, fmt.Errorf("cannot use --version %q: %w", t.Version, errVersion)
	}
	v, err := semver.StrictNewVersion(t.Version[1:])
	if err != nil {
		return nil, fmt.Errorf("cannot use --version %q: %w", t.Version, errors.Join(errVersion, err))
	}
	// A tag has no plus sign.
	if v.Metadata() != "" {
		return nil, fmt.Errorf("cannot use --version %q: %w", t.Version, errVersion)
	}
	s := &substitution{target: t, names: map[string]string{}}
	for pkg := range runtimes {
		repo, err := name.NewRepository(t.Registry+"/"+pkg, name.StrictValidation)
		if err != nil {
			return nil, fmt.Errorf("cannot use --registry %q: %w", t.Registry, err)
		}
		// How Crossplane names a package that it installs as a dependency.
		s.names[pkg] = xpkg.ToDNSLabel(repo.RepositoryStr())
	}
	return s, nil
}

// apply replaces the packages, the versions, the names of package objects and Crossplane's namespace. Comments stay.
func (s *substitution) apply(b []byte) []byte {
	b = reference.ReplaceAll(b, []byte(s.Registry+"/${1}:"+s.Version))
	b = dependency.ReplaceAll(b, []byte(s.Registry+"/${1}\n${2}version: \""+s.Version+`"`))
	b = object.ReplaceAllFunc(b, func(m []byte) []byte { return []byte(s.names[string(object.FindSubmatch(m)[1])]) })
	return inNamespace.ReplaceAll(b, []byte("namespace: "+s.Namespace))
}
