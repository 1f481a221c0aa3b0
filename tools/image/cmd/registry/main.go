// Command registry is an OCI registry on plain HTTP. It serves the images in a folder of archives, under their names without
// their registries, so that as a mirror of all registries it has every reference; and it takes what is pushed to it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:5000", "address to listen at")
	blobs := flag.String("blobs", "", "folder that keeps layers from one run to the next")
	images := flag.String("images", "", "folder of archives to serve, none if empty")
	flag.Parse()
	if err := run(*listen, *blobs, *images); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		os.Exit(1)
	}
}

func run(listen, blobs, images string) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	opts := []registry.Option{registry.Logger(log.Default())}
	if blobs != "" {
		if err := os.MkdirAll(blobs, 0o755); err != nil {
			return fmt.Errorf("cannot make folder: %w", err)
		}
		opts = append(opts, registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs)))
	}
	failed := make(chan error, 1)
	srv := &http.Server{Handler: registry.New(opts...), ReadHeaderTimeout: 10 * time.Second}
	go func() { failed <- srv.Serve(l) }()
	if images != "" {
		if err := load(l.Addr().String(), images); err != nil {
			return err
		}
	}
	log.Print("ready")
	return <-failed
}

// load pushes archives to the registry itself. Layers that it has are not sent.
func load(addr, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.tar"))
	if err != nil {
		return fmt.Errorf("cannot list archives: %w", err)
	}
	slices.Sort(files)
	for _, f := range files {
		m, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(f) })
		if err != nil {
			return fmt.Errorf("cannot read archive %s: %w", f, err)
		}
		for _, d := range m {
			for _, t := range d.RepoTags {
				if err := push(addr, f, t); err != nil {
					return errors.Join(fmt.Errorf("cannot serve %s", t), err)
				}
			}
		}
	}
	return nil
}

func push(addr, file, tag string) error {
	ref, err := name.NewTag(tag)
	if err != nil {
		return err
	}
	img, err := tarball.ImageFromPath(file, &ref)
	if err != nil {
		return err
	}
	dst, err := name.NewTag(addr+"/"+ref.RepositoryStr()+":"+ref.TagStr(), name.Insecure)
	if err != nil {
		return err
	}
	if err := remote.Write(dst, img); err != nil {
		return err
	}
	log.Printf("serving %s", dst)
	return nil
}
