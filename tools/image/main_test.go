package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "function")

	if err := os.WriteFile(binary, []byte("#!/bin/true"), 0o600); err != nil {
		t.Fatal(err)
	}

	pack := func(out string) []byte {
		if err := run(binary, "example.org/function:v1", "arm64", filepath.Join(dir, out)); err != nil {
			t.Fatal(err)
		}

		bs, err := os.ReadFile(filepath.Join(dir, out))
		if err != nil {
			t.Fatal(err)
		}

		return bs
	}

	if !slices.Equal(pack("a.tar"), pack("b.tar")) {
		t.Error("run(...): want equal tarballs of equal binaries")
	}

	img, err := tarball.ImageFromPath(filepath.Join(dir, "a.tar"), nil)
	if err != nil {
		t.Fatal(err)
	}

	cf, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}

	got := []string{cf.OS, cf.Architecture, cf.Config.User, cf.Config.Entrypoint[0]}
	if want := []string{"linux", "arm64", nonRoot, "/usr/local/bin/function"}; !slices.Equal(want, got) {
		t.Errorf("run(...): want config %v, got %v", want, got)
	}
}

func TestRunFails(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.tar")

	cases := map[string]struct{ binary, tag, out string }{
		"NoArguments": {},
		"BadTag":      {binary: os.Args[0], tag: "Not A Tag", out: out},
		"NoBinary":    {binary: out, tag: "example.org/a:v1", out: out},
		"NoFolder":    {binary: os.Args[0], tag: "example.org/a:v1", out: filepath.Join(out, "x", "y")},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if err := run(tc.binary, tc.tag, "amd64", tc.out); err == nil {
				t.Error("run(...): want an error, got none")
			}
		})
	}
}
