package crossplane

import (
	"archive/tar"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// errNoEntrypoint means that an image does not say what to run.
var errNoEntrypoint = errors.New("image has no entrypoint")

// image is an image whose files are in a folder.
type image struct {
	root   string
	config v1.Config
}

// pull puts the files of an image into a folder of parent, unless they are
// there, and returns the image. The registry is reached through a proxy. Links are left out: our images have none.
func pull(ctx context.Context, reference, parent string, proxy *url.URL) (*image, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return nil, errors.Wrap(err, "cannot parse name of image")
	}

	img, err := remote.Image(ref, remote.WithContext(ctx), remote.WithTransport(&http.Transport{Proxy: http.ProxyURL(proxy)}))
	if err != nil {
		return nil, errors.Wrapf(err, "cannot pull %s", reference)
	}

	digest, err := img.Digest()
	if err != nil {
		return nil, errors.Wrap(err, "cannot compute digest")
	}

	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, errors.Wrap(err, "cannot read configuration of image")
	}

	if len(cfg.Config.Entrypoint) == 0 {
		return nil, errors.Wrap(errNoEntrypoint, reference)
	}

	i := &image{root: filepath.Join(parent, digest.Hex), config: cfg.Config}
	if _, err := os.Stat(i.root); err == nil {
		return i, nil
	}

	return i, extract(img, i.root)
}

// extract writes the files of an image. The folder is there when all are.
func extract(img v1.Image, root string) error {
	temporary, err := os.MkdirTemp(filepath.Dir(root), "pull-")
	if err != nil {
		return errors.Wrap(err, "cannot make folder")
	}

	files := mutate.Extract(img)
	defer func() { _ = files.Close() }()

	t := tar.NewReader(files)

	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			// Who comes second has the same files.
			if err := os.Rename(temporary, root); err != nil && !errors.Is(err, os.ErrExist) {
				return errors.Wrap(err, "cannot name folder")
			}

			return nil
		}

		if err != nil {
			return errors.Wrap(err, "cannot read image")
		}

		if h.Typeflag != tar.TypeReg {
			continue
		}

		if err := write(filepath.Join(temporary, filepath.Clean("/"+h.Name)), t, h.FileInfo().Mode().Perm()); err != nil {
			return errors.Wrapf(err, "cannot write %s", h.Name)
		}
	}
}

func write(path string, r io.Reader, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return errors.Wrap(err, "cannot make folder")
	}

	f, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_WRONLY, mode|0o600)
	if err != nil {
		return errors.Wrap(err, "cannot create")
	}

	if _, err := io.Copy(f, r); err != nil {
		_ = f.Close()
		return errors.Wrap(err, "cannot copy")
	}

	return errors.Wrap(f.Close(), "cannot close")
}

// command is what a container of the image runs, with its program in the folder.
func (i *image) command(command, args []string) (path string, all []string) {
	if len(command) == 0 {
		command = i.config.Entrypoint
		if len(args) == 0 {
			args = i.config.Cmd
		}
	}

	path = filepath.Join(i.root, command[0])
	if !strings.HasPrefix(command[0], "/") {
		path = filepath.Join(i.root, i.config.WorkingDir, command[0])
	}

	return path, append(command[1:len(command):len(command)], args...)
}
