// Command image packs one static binary into an OCI image tarball, without a
// container engine. Equal binaries give equal tarballs: the layer holds nothing
// that depends on the time, the user or the machine.
package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// nonRoot is the user that distroless images call "nonroot". A number, so that
// Kubernetes can verify runAsNonRoot.
const nonRoot = "65532:65532"

func main() {
	binary := flag.String("binary", "", "path of the static binary")
	tag := flag.String("tag", "", "name of the image, host/repository:tag")
	arch := flag.String("arch", "amd64", "the binary's GOARCH")
	out := flag.String("out", "", "path of the tarball to write")
	flag.Parse()

	if err := run(*binary, *tag, *arch, *out); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(binary, tag, arch, out string) error {
	if binary == "" || tag == "" || out == "" {
		return errors.New("-binary, -tag and -out are required")
	}

	ref, err := name.NewTag(tag)
	if err != nil {
		return fmt.Errorf("cannot parse tag: %w", err)
	}

	bs, err := os.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("cannot read binary: %w", err)
	}

	entrypoint := path.Join("/usr/local/bin", path.Base(binary))

	img, err := build(bs, entrypoint, arch)
	if err != nil {
		return fmt.Errorf("cannot build image: %w", err)
	}

	f, err := os.Create(out)
	if err != nil {
		return fmt.Errorf("cannot create tarball: %w", err)
	}

	return errors.Join(tarball.Write(ref, img, f), f.Close())
}

// build makes an image whose only file is the binary.
func build(binary []byte, entrypoint, arch string) (v1.Image, error) {
	files, err := archive(binary, entrypoint)
	if err != nil {
		return nil, err
	}

	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files)), nil
	})
	if err != nil {
		return nil, err
	}

	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}

	cf, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}

	cf = cf.DeepCopy()
	cf.OS, cf.Architecture = "linux", arch
	cf.Config.Entrypoint = []string{entrypoint}
	cf.Config.User = nonRoot
	cf.Config.WorkingDir = "/"

	return mutate.ConfigFile(img, cf)
}

// archive is a tar of one executable file and the folders above it.
func archive(binary []byte, file string) ([]byte, error) {
	b := &bytes.Buffer{}
	w := tar.NewWriter(b)
	epoch := time.Unix(0, 0).UTC()

	for _, dir := range []string{"usr/", "usr/local/", "usr/local/bin/"} {
		h := &tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: epoch}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
	}

	h := &tar.Header{Typeflag: tar.TypeReg, Name: file[1:], Mode: 0o555, Size: int64(len(binary)), ModTime: epoch}
	if err := w.WriteHeader(h); err != nil {
		return nil, err
	}

	if _, err := w.Write(binary); err != nil {
		return nil, err
	}

	return b.Bytes(), w.Close()
}
