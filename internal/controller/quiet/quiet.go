// Package quiet keeps writes that would change nothing from the API server.
package quiet

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Client leaves out updates of a status that is what the cache has already. The managed reconciler updates it after each look,
// once a minute and managed resource, though it hardly ever differs.
type Client struct {
	client.Client
}

// New returns such a client in place of a manager's. It is a client.NewClientFunc.
func New(cfg *rest.Config, o client.Options) (client.Client, error) {
	c, err := client.New(cfg, o)
	if err != nil {
		return nil, err
	}
	return Client{Client: c}, nil
}

// Status returns a writer of statuses.
func (c Client) Status() client.SubResourceWriter {
	return status{SubResourceWriter: c.Client.Status(), client: c.Client}
}

type status struct {
	client.SubResourceWriter

	client client.Client
}

// Update the status, unless the whole object, its resource version too, is what is read: then nothing would change. Where the
// cache is behind, the write would be refused, and the event of what it misses brings the next attempt.
func (s status) Update(ctx context.Context, o client.Object, opts ...client.SubResourceUpdateOption) error {
	if s.same(ctx, o) {
		return nil
	}
	return s.SubResourceWriter.Update(ctx, o, opts...)
}

// same is false on any doubt.
func (s status) same(ctx context.Context, o client.Object) bool {
	gvk, err := s.client.GroupVersionKindFor(o)
	if err != nil {
		return false
	}
	n, err := s.client.Scheme().New(gvk)
	if err != nil {
		return false
	}
	now, ok := n.(client.Object)
	if !ok || s.client.Get(ctx, client.ObjectKeyFromObject(o), now) != nil {
		return false
	}
	// Who reads from the API server and who reads from the cache differ in it.
	now.GetObjectKind().SetGroupVersionKind(o.GetObjectKind().GroupVersionKind())
	return equality.Semantic.DeepEqual(now, o)
}
