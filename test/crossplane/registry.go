package crossplane

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-containerregistry/pkg/registry"
)

// headerTimeout bounds how long a client of the registry takes to say what it wants.
const headerTimeout = 10 * time.Second

// Serve serves a registry of packages, without TLS and in memory, at an address
// on loopback until the context ends. Crossplane wants a host with a dot in it:
// 127.0.0.1, not localhost.
func Serve(ctx context.Context, address string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return errors.Wrap(err, "cannot listen")
	}

	s := &http.Server{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0))), ReadHeaderTimeout: headerTimeout}

	context.AfterFunc(ctx, func() { _ = s.Close() })
	// Its only error is that it was closed.
	go func() { _ = s.Serve(l) }()

	return nil
}
