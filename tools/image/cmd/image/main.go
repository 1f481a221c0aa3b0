// Command image makes image archives from a list in YAML, without a container engine. See test/bed/images.yaml.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"sigs.k8s.io/yaml"

	"github.com/crossplane-multigres/crossplane-multigres/tools/image/oci"
)

// errFiles means that nothing matches the path of an image's file.
var errFiles = errors.New("no such file")

// An image of the list.
type image struct {
	// File is the archive's name, without its extension.
	File string `json:"file"`
	// Names are the image's, registry included.
	Names []string `json:"names"`
	// Layers are archives of file system trees, below everything else.
	Layers []string `json:"layers,omitempty"`
	// Files are programs and data by their path in the image. A source may be a pattern or a folder; then the path is a folder.
	Files map[string]string `json:"files,omitempty"`

	Entrypoint []string `json:"entrypoint,omitempty"`
	Env        []string `json:"env,omitempty"`
	User       string   `json:"user,omitempty"`
}

func main() {
	list := flag.String("list", "", "file with the images")
	out := flag.String("out", "", "folder for the archives")
	arch := flag.String("arch", "amd64", "GOARCH of the images")
	flag.Parse()
	if err := run(*list, *out, *arch); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// run makes all images of a list. Environment variables in it are replaced.
func run(list, out, arch string) error {
	b, err := os.ReadFile(list)
	if err != nil {
		return fmt.Errorf("cannot read list: %w", err)
	}
	var images []image
	if err := yaml.UnmarshalStrict([]byte(os.ExpandEnv(string(b))), &images); err != nil {
		return fmt.Errorf("cannot parse list: %w", err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("cannot make folder: %w", err)
	}
	for _, i := range images {
		if err := i.write(filepath.Join(out, i.File+".tar"), arch); err != nil {
			return fmt.Errorf("cannot make image %s: %w", i.File, err)
		}
	}
	return nil
}

// write makes the image and its archive. A broken archive is never left behind.
func (i image) write(file, arch string) error {
	var layers []v1.Layer
	for _, l := range i.Layers {
		layer, err := tarball.LayerFromFile(l)
		if err != nil {
			return fmt.Errorf("cannot read layer: %w", err)
		}
		layers = append(layers, layer)
	}
	var files []oci.File
	for dst, src := range i.Files {
		fs, err := read(src, dst)
		if err != nil {
			return err
		}
		files = append(files, fs...)
	}
	if len(files) > 0 {
		layer, err := oci.Layer(files...)
		if err != nil {
			return err
		}
		layers = append(layers, layer)
	}
	img, err := oci.Image(arch, v1.Config{Entrypoint: i.Entrypoint, Env: i.Env, User: i.User}, layers...)
	if err != nil {
		return err
	}
	refs := map[name.Tag]v1.Image{}
	for _, n := range i.Names {
		tag, err := name.NewTag(n)
		if err != nil {
			return fmt.Errorf("cannot parse name: %w", err)
		}
		refs[tag] = img
	}
	tmp := file + ".tmp"
	if err := tarball.MultiWriteToFile(tmp, refs); err != nil {
		return fmt.Errorf("cannot write archive: %w", err)
	}
	return os.Rename(tmp, file)
}

// read returns the files of a source, executable for all if they are for their owner.
func read(src, dst string) ([]oci.File, error) {
	found, err := filepath.Glob(src)
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", src, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("cannot read %s: %w", src, errFiles)
	}
	slices.Sort(found)
	var out []oci.File
	for _, f := range found {
		err := filepath.WalkDir(f, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			info, err := os.Stat(p)
			if err != nil {
				return err
			}
			to := dst
			if strings.HasSuffix(dst, "/") {
				rel, err := filepath.Rel(filepath.Dir(f), p)
				if err != nil {
					return err
				}
				to = path.Join(dst, filepath.ToSlash(rel))
			}
			mode := int64(0o444)
			if info.Mode()&0o100 != 0 {
				mode = 0o555
			}
			out = append(out, oci.File{Path: to, Mode: mode, Data: b})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", f, err)
		}
	}
	return out, nil
}
