package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func write(t *testing.T, file, data string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(data), mode)); err != nil {
		t.Fatal(err)
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DIR", dir)
	write(t, filepath.Join(dir, "bin", "tool-v1"), "tool", 0o755)
	write(t, filepath.Join(dir, "data", "a", "x"), "x", 0o644)
	write(t, filepath.Join(dir, "data", "y"), "y", 0o644)
	f, err := os.Create(filepath.Join(dir, "tree.layer"))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "etc/os", Mode: 0o644, Size: 1}), func() error { _, err := w.Write([]byte("o")); return err }(), w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "images.yaml")
	write(t, list, `
- file: tool
  names: ["example.org/tool:v1", "example.org/other:v1"]
  layers: [$DIR/tree.layer]
  files:
    /bin/tool: $DIR/bin/tool-v*
    /share/: $DIR/data/*
  entrypoint: [/bin/tool]
  env: ["A=b"]
  user: "1:1"
`, 0o644)
	out := filepath.Join(dir, "out")
	if err := run(list, out, "arm64"); err != nil {
		t.Fatal(err)
	}
	digests := map[string]bool{}
	for _, n := range []string{"example.org/tool:v1", "example.org/other:v1"} {
		tag, err := name.NewTag(n)
		if err != nil {
			t.Fatal(err)
		}
		img, err := tarball.ImageFromPath(filepath.Join(out, "tool.tar"), &tag)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"bin/tool 555", "etc/os 644", "share/a/x 444", "share/y 444"}
		if diff := cmp.Diff(want, files(t, img)); diff != "" {
			t.Errorf("%s: files: -want, +got:\n%s", n, diff)
		}
		cf, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v1.Config{Entrypoint: []string{"/bin/tool"}, Env: []string{"A=b"}, User: "1:1"}, cf.Config); diff != "" || cf.Architecture != "arm64" {
			t.Errorf("%s for %s: configuration: -want, +got:\n%s", n, cf.Architecture, diff)
		}
		d, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests[d.String()] = true
	}
	if len(digests) != 1 {
		t.Errorf("both names should mean one image, got %v", digests)
	}
}

func TestRunFails(t *testing.T) {
	dir := t.TempDir()
	cases := map[string]struct {
		reason string
		list   string
		err    error
	}{
		"Field":   {reason: "A field that an image does not have should be an error.", list: "- {file: a, nmes: [a]}"},
		"NoFile":  {reason: "A file that is not there should be an error.", list: "- {file: a, names: [a/b:c], files: {/x: " + dir + "/none}}", err: errFiles},
		"NoLayer": {reason: "A layer that is not there should be an error.", list: "- {file: a, names: [a/b:c], layers: [" + dir + "/none]}"},
		"Name":    {reason: "A name that is none should be an error.", list: "- {file: a, names: [A]}"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			list, out := filepath.Join(dir, "list"), filepath.Join(dir, "out")
			write(t, list, tc.list, 0o644)
			err := run(list, out, "amd64")
			if err == nil || tc.err != nil && !errors.Is(err, tc.err) {
				t.Errorf("\n%s\nwant an error (%v), got %v", tc.reason, tc.err, err)
			}
			if _, err := os.Stat(filepath.Join(out, "a.tar")); err == nil {
				t.Errorf("\n%s\nnothing should be written", tc.reason)
			}
		})
	}
}

// files lists the regular files of an image and their modes.
func files(t *testing.T, img v1.Image) []string {
	t.Helper()
	rc := mutate.Extract(img)
	defer func() { _ = rc.Close() }()
	var out []string
	for r := tar.NewReader(rc); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(out)
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			const digits = "01234567"
			out = append(out, h.Name+" "+string([]byte{digits[h.Mode>>6&7], digits[h.Mode>>3&7], digits[h.Mode&7]}))
		}
	}
}
