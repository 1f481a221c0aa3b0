package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// errPublished means that a version exists with other content.
var errPublished = errors.New("the registry has this version with another digest: choose a new version, or push with --force")

type pushCmd struct {
	target

	Dir   string `help:"Folder of a build with the same --registry and --version." required:"" type:"existingdir"`
	Force bool   `help:"Replace a version that exists."`
}

// Run pushes the Configuration last, so that who finds it finds what it depends on. Credentials are Docker's. Registries on
// loopback and private addresses are spoken to by HTTP.
func (c *pushCmd) Run(ctx context.Context, out io.Writer) error {
	if err := checkSums(c.Dir); err != nil {
		return err
	}
	ts, err := taggables(c.Dir)
	if err != nil {
		return err
	}
	for _, pkg := range []string{function, provider, configuration} {
		if err := c.push(ctx, out, pkg, ts[pkg]); err != nil {
			return fmt.Errorf("cannot push %s: %w", pkg, err)
		}
	}
	return nil
}

func (c *pushCmd) push(ctx context.Context, out io.Writer, pkg string, t taggable) error {
	ref, err := c.reference(pkg)
	if err != nil {
		return err
	}
	digest, err := t.Digest()
	if err != nil {
		return fmt.Errorf("cannot compute digest: %w", err)
	}
	opts := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	d, err := remote.Head(ref, opts...)
	var te *transport.Error
	switch {
	case err == nil && d.Digest == digest:
		fmt.Fprintf(out, "%s@%s is there\n", ref, digest)
		return nil
	case err == nil && !c.Force:
		return fmt.Errorf("%s is %s, not %s: %w", ref, d.Digest, digest, errPublished)
	case err != nil && (!errors.As(err, &te) || te.StatusCode != http.StatusNotFound):
		return fmt.Errorf("cannot look up %s: %w", ref, err)
	}
	switch t := t.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(ref, t, opts...)
	case v1.Image:
		err = remote.Write(ref, t, opts...)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s@%s\n", ref, digest)
	return nil
}
