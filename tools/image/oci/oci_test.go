package oci

import (
	"archive/tar"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestProgram(t *testing.T) {
	img, err := Program("function", []byte("#!/bin/true"), "arm64")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Program("function", []byte("#!/bin/true"), "arm64")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(digest(t, img), digest(t, again)); diff != "" {
		t.Errorf("Program(...): equal programs should make equal images: -first, +second:\n%s", diff)
	}
	cf, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	got := []string{cf.OS, cf.Architecture, cf.Config.User, cf.Config.Entrypoint[0], cf.Created.Format("2006")}
	if diff := cmp.Diff([]string{"linux", "arm64", NonRoot, "/usr/local/bin/function", "0001"}, got); diff != "" {
		t.Errorf("Program(...): configuration: -want, +got:\n%s", diff)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("Program(...): want one layer, got %d, %v", len(layers), err)
	}
	want := []string{"usr/ 0755", "usr/local/ 0755", "usr/local/bin/ 0755", "usr/local/bin/function 0555"}
	if diff := cmp.Diff(want, entries(t, layers[0])); diff != "" {
		t.Errorf("Program(...): files: -want, +got:\n%s", diff)
	}
}

func TestLayer(t *testing.T) {
	type want struct {
		entries []string
		err     error
	}
	cases := map[string]struct {
		reason string
		files  []File
		want   want
	}{
		"Sorted": {
			reason: "The order of the arguments should not matter, and each folder should be there once.",
			files:  []File{{Path: "/b", Mode: 0o600}, {Path: "/a/y", Mode: 0o644}, {Path: "/a/x", Mode: 0o644}},
			want:   want{entries: []string{"a/ 0755", "a/x 0644", "a/y 0644", "b 0600"}},
		},
		"Relative": {
			reason: "A relative path has no place in an image.",
			files:  []File{{Path: "a"}},
			want:   want{err: ErrFile},
		},
		"Escaping": {
			reason: "A path must not lead out of the image.",
			files:  []File{{Path: "/a/../../b"}},
			want:   want{err: ErrFile},
		},
		"Root": {
			reason: "The root is a folder.",
			files:  []File{{Path: "/"}},
			want:   want{err: ErrFile},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			l, err := Layer(tc.files...)
			if !errors.Is(err, tc.want.err) {
				t.Fatalf("\n%s\nLayer(...): want error %v, got %v", tc.reason, tc.want.err, err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tc.want.entries, entries(t, l)); diff != "" {
				t.Errorf("\n%s\nLayer(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func digest(t *testing.T, img v1.Image) string {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// entries lists a layer's names and modes.
func entries(t *testing.T, l v1.Layer) []string {
	t.Helper()
	rc, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rc.Close() }()
	var out []string
	for r := tar.NewReader(rc); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.ModTime.Unix() != 0 {
			t.Errorf("%s: want no time, got %s", h.Name, h.ModTime)
		}
		out = append(out, h.Name+" 0"+oct(h.Mode))
	}
}

func oct(mode int64) string {
	const digits = "01234567"
	return string([]byte{digits[mode>>6&7], digits[mode>>3&7], digits[mode&7]})
}
