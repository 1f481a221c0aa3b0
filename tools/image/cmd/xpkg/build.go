package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/xpkg"
	"github.com/crossplane/crossplane-runtime/v2/pkg/xpkg/parser"
	"github.com/crossplane/crossplane-runtime/v2/pkg/xpkg/parser/examples"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/crossplane-multigres/crossplane-multigres/tools/image/oci"
)

// Names of the packages, without architecture and extension.
const (
	function      = "function-multigres"
	provider      = "provider-multigres"
	configuration = "configuration-multigres"
)

// install is the manifest that a platform team applies.
const install = "install.yaml"

// runtimes are the packages that run, and their programs in cmd.
var runtimes = map[string]string{function: "function", provider: "provider"}

type buildCmd struct {
	target

	Source   string   `default:"." help:"Root of the sources." type:"existingdir"`
	Programs string   `help:"Folder that holds <arch>/function and <arch>/provider." required:"" type:"existingdir"`
	Arch     []string `help:"GOARCHs to build for." required:""`
	Out      string   `help:"Folder to write to. What it holds is replaced." required:""`
}

// Run builds everything into a new folder, which then replaces the old one: there is never half a set.
func (c *buildCmd) Run(ctx context.Context, out io.Writer) error {
	s, err := newSubstitution(c.target)
	if err != nil {
		return err
	}
	tmp := c.Out + ".tmp"
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o755)); err != nil {
		return fmt.Errorf("cannot make folder: %w", err)
	}
	for _, pkg := range []string{function, provider} {
		for _, arch := range c.Arch {
			if err := c.runtime(ctx, s, tmp, pkg, arch); err != nil {
				return fmt.Errorf("cannot build %s for %s: %w", pkg, arch, err)
			}
		}
	}
	if err := c.configuration(ctx, s, tmp); err != nil {
		return fmt.Errorf("cannot build %s: %w", configuration, err)
	}
	b, err := os.ReadFile(filepath.Join(c.Source, "package", "install", install))
	if err != nil {
		return fmt.Errorf("cannot read install manifest: %w", err)
	}
	if err := os.WriteFile(filepath.Join(tmp, install), s.apply(b), 0o644); err != nil {
		return fmt.Errorf("cannot write install manifest: %w", err)
	}
	if err := writeManifests(tmp); err != nil {
		return err
	}
	if err := writeSums(tmp); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(c.Out), os.Rename(tmp, c.Out)); err != nil {
		return fmt.Errorf("cannot replace folder: %w", err)
	}
	sums, err := os.ReadFile(filepath.Join(c.Out, sumsFile))
	if err != nil {
		return fmt.Errorf("cannot read sums: %w", err)
	}
	_, err = out.Write(sums)
	return err
}

// runtime builds a package that runs.
func (c *buildCmd) runtime(ctx context.Context, s *substitution, dir, pkg, arch string) error {
	program := runtimes[pkg]
	b, err := os.ReadFile(filepath.Join(c.Programs, arch, program))
	if err != nil {
		return fmt.Errorf("cannot read program: %w", err)
	}
	img, err := oci.Program(program, b, arch)
	if err != nil {
		return err
	}
	root := filepath.Join(c.Source, "package", program)
	return c.pack(ctx, s, filepath.Join(dir, pkg+"-"+arch+xpkg.XpkgExtension), pkg, xpkg.WithBase(img),
		filepath.Join(root, xpkg.MetaFile), filepath.Join(root, "crds", "*.yaml"))
}

// configuration builds the package that does not run.
func (c *buildCmd) configuration(ctx context.Context, s *substitution, dir string) error {
	return c.pack(ctx, s, filepath.Join(dir, configuration+xpkg.XpkgExtension), configuration, nil,
		filepath.Join(c.Source, xpkg.MetaFile), filepath.Join(c.Source, "package", "configuration", "*.yaml"))
}

// pack writes a package of the files that match the patterns, lint included.
func (c *buildCmd) pack(ctx context.Context, s *substitution, file, pkg string, base xpkg.BuildOpt, patterns ...string) error {
	stream, err := c.stream(s, patterns)
	if err != nil {
		return err
	}
	metas, err := xpkg.BuildMetaScheme()
	if err != nil {
		return fmt.Errorf("cannot build scheme: %w", err)
	}
	objects, err := xpkg.BuildObjectScheme()
	if err != nil {
		return fmt.Errorf("cannot build scheme: %w", err)
	}
	var opts []xpkg.BuildOpt
	if base != nil {
		opts = append(opts, base)
	}
	img, _, err := xpkg.New(parser.NewEchoBackend(stream), noExamples{}, parser.New(metas, objects), examples.New()).Build(ctx, opts...)
	if err != nil {
		return err
	}
	ref, err := c.reference(pkg)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(file, ref, img)
}

// stream joins files, ordered by path within each pattern, as YAML documents.
func (c *buildCmd) stream(s *substitution, patterns []string) (string, error) {
	b := &bytes.Buffer{}
	for _, p := range patterns {
		files, err := filepath.Glob(p)
		if err != nil {
			return "", fmt.Errorf("cannot list files: %w", err)
		}
		slices.Sort(files)
		for _, f := range files {
			y, err := os.ReadFile(f)
			if err != nil {
				return "", fmt.Errorf("cannot read file of package: %w", err)
			}
			b.WriteString("---\n")
			b.Write(s.apply(y))
			b.WriteString("\n")
		}
	}
	return b.String(), nil
}

// reference returns where a package is pushed to.
func (t target) reference(pkg string) (name.Tag, error) {
	ref, err := name.NewTag(t.Registry+"/"+pkg+":"+t.Version, name.StrictValidation)
	if err != nil {
		return name.Tag{}, fmt.Errorf("cannot name package by --registry and --version: %w", err)
	}
	return ref, nil
}

// noExamples is how a builder learns that a package has no examples.
type noExamples struct{}

// Init implements parser.Backend.
func (noExamples) Init(context.Context, ...parser.BackendOption) (io.ReadCloser, error) {
	return io.NopCloser(&bytes.Buffer{}), os.ErrNotExist
}

// built returns the image in an xpkg file as a registry stores it.
func built(file string) (v1.Image, error) {
	img, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot read package: %w", err)
	}
	img, err = xpkg.AnnotateLayers(img)
	if err != nil {
		return nil, fmt.Errorf("cannot annotate package: %w", err)
	}
	return img, nil
}
