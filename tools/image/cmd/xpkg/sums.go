package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/mutate"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/crossplane/crossplane-runtime/v2/pkg/xpkg"
)

// sumsFile lists the sums of all other files of a build, as sha256sum(1) writes and reads them.
const sumsFile = "SHA256SUMS"

// manifestExtension is that of what a registry stores under a package's version. The SHA-256 of its bytes is the package's digest.
const manifestExtension = ".manifest.json"

var (
	// errSum means that a file is not the one that was built.
	errSum = errors.New("sums differ")
	// errNoPackage means that a folder holds no built package.
	errNoPackage = errors.New("no such file: build first")
)

// A taggable is what a version refers to: an image, or an index of one image per architecture.
type taggable interface {
	RawManifest() ([]byte, error)
	MediaType() (types.MediaType, error)
	Digest() (v1.Hash, error)
}

// taggables returns what is pushed, by package.
func taggables(dir string) (map[string]taggable, error) {
	out := map[string]taggable{}
	for _, pkg := range []string{function, provider, configuration} {
		files, err := filepath.Glob(filepath.Join(dir, pkg+"*"+xpkg.XpkgExtension))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("cannot find %s: %w", pkg, errors.Join(errNoPackage, err))
		}
		slices.Sort(files)
		var adds []mutate.IndexAddendum
		for _, f := range files {
			img, err := built(f)
			if err != nil {
				return nil, err
			}
			cf, err := img.ConfigFile()
			if err != nil {
				return nil, fmt.Errorf("cannot get configuration of %s: %w", f, err)
			}
			adds = append(adds, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: cf.OS, Architecture: cf.Architecture}}})
			out[pkg] = img
		}
		// Crossplane asks an index for amd64, wherever it runs: an index of another one alone would hold nothing for it.
		if len(adds) > 1 {
			out[pkg] = mutate.IndexMediaType(mutate.AppendManifests(empty.Index, adds...), types.DockerManifestList)
		}
	}
	return out, nil
}

// writeManifests writes the manifest of each package.
func writeManifests(dir string) error {
	ts, err := taggables(dir)
	if err != nil {
		return err
	}
	for pkg, t := range ts {
		b, err := t.RawManifest()
		if err != nil {
			return fmt.Errorf("cannot get manifest of %s: %w", pkg, err)
		}
		if err := os.WriteFile(filepath.Join(dir, pkg+manifestExtension), b, 0o644); err != nil {
			return fmt.Errorf("cannot write manifest: %w", err)
		}
	}
	return nil
}

// sums returns a folder's sums.
func sums(dir string) ([]byte, error) {
	es, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot list files: %w", err)
	}
	b := &bytes.Buffer{}
	for _, e := range es {
		if strings.HasPrefix(e.Name(), sumsFile) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("cannot read file: %w", err)
		}
		h := sha256.Sum256(data)
		fmt.Fprintf(b, "%s  %s\n", hex.EncodeToString(h[:]), e.Name())
	}
	return b.Bytes(), nil
}

func writeSums(dir string) error {
	b, err := sums(dir)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, sumsFile), b, 0o644); err != nil {
		return fmt.Errorf("cannot write sums: %w", err)
	}
	return nil
}

// checkSums holds the files of a folder against its sums: none may differ, be missing or be added.
func checkSums(dir string) error {
	want, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err != nil {
		return fmt.Errorf("cannot read sums: %w", err)
	}
	got, err := sums(dir)
	if err != nil {
		return err
	}
	if bytes.Equal(want, got) {
		return nil
	}
	is := map[string]bool{}
	for sc := bufio.NewScanner(bytes.NewReader(got)); sc.Scan(); {
		is[sc.Text()] = true
	}
	var odd []string
	for sc := bufio.NewScanner(bytes.NewReader(want)); sc.Scan(); {
		if !is[sc.Text()] {
			odd = append(odd, sc.Text()[strings.LastIndex(sc.Text(), " ")+1:])
		}
		delete(is, sc.Text())
	}
	for l := range is {
		odd = append(odd, l[strings.LastIndex(l, " ")+1:])
	}
	slices.Sort(odd)
	return fmt.Errorf("cannot verify %s: %w", strings.Join(slices.Compact(odd), ", "), errSum)
}
