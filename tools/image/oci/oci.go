// Package oci makes container images from files, without a container engine. Equal files give equal images: nothing in them
// depends on the time, the user or the machine.
package oci

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// NonRoot is the user that distroless images call "nonroot". A number, so that Kubernetes can verify runAsNonRoot.
const NonRoot = "65532:65532"

// ErrFile means that a file cannot be part of an image.
var ErrFile = errors.New("want an absolute, clean path")

// A File is one regular file of an image.
type File struct {
	// Path is absolute.
	Path string
	// Mode holds permission bits.
	Mode int64
	Data []byte
}

// Program returns an image whose only file is a static program, in /usr/local/bin, run as NonRoot. The architecture is a GOARCH.
func Program(name string, data []byte, arch string) (v1.Image, error) {
	entrypoint := path.Join("/usr/local/bin", name)
	layer, err := Layer(File{Path: entrypoint, Mode: 0o555, Data: data})
	if err != nil {
		return nil, err
	}
	return Image(arch, v1.Config{Entrypoint: []string{entrypoint}, User: NonRoot, WorkingDir: "/"}, layer)
}

// Image returns a Linux image of layers.
func Image(arch string, cfg v1.Config, layers ...v1.Layer) (v1.Image, error) {
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return nil, fmt.Errorf("cannot append layers: %w", err)
	}
	cf, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("cannot get configuration of image: %w", err)
	}
	cf = cf.DeepCopy()
	cf.OS, cf.Architecture, cf.Config = "linux", arch, cfg
	img, err = mutate.ConfigFile(img, cf)
	if err != nil {
		return nil, fmt.Errorf("cannot set configuration of image: %w", err)
	}
	return img, nil
}

// Layer returns a layer of files and the folders above them.
func Layer(files ...File) (v1.Layer, error) {
	b, err := archive(files)
	if err != nil {
		return nil, err
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil })
	if err != nil {
		return nil, fmt.Errorf("cannot compress layer: %w", err)
	}
	return l, nil
}

// archive is a tar of the files, ordered by path.
func archive(files []File) ([]byte, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	b := &bytes.Buffer{}
	w := tar.NewWriter(b)
	seen := map[string]bool{}
	for _, f := range files {
		if !path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || f.Path == "/" {
			return nil, fmt.Errorf("cannot archive %q: %w", f.Path, ErrFile)
		}
		var folders []*tar.Header
		for dir := path.Dir(f.Path); dir != "/"; dir = path.Dir(dir) {
			if !seen[dir] {
				seen[dir] = true
				folders = append(folders, &tar.Header{Typeflag: tar.TypeDir, Name: dir[1:] + "/", Mode: 0o755})
			}
		}
		slices.Reverse(folders)
		for _, h := range append(folders, &tar.Header{Typeflag: tar.TypeReg, Name: f.Path[1:], Mode: f.Mode, Size: int64(len(f.Data))}) {
			h.ModTime = time.Unix(0, 0).UTC()
			if err := w.WriteHeader(h); err != nil {
				return nil, fmt.Errorf("cannot archive %q: %w", f.Path, err)
			}
		}
		if _, err := w.Write(f.Data); err != nil {
			return nil, fmt.Errorf("cannot archive %q: %w", f.Path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("cannot finish archive: %w", err)
	}
	return b.Bytes(), nil
}
