package topology

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A remembered reader reads Secrets past any cache, and remembers them until their metadata says that they have changed, of which
// there is a cache: their watch. Only Secrets that configurations name are in memory.
type remembered struct {
	client.Reader

	metadata client.Reader

	mu      sync.Mutex
	secrets map[client.ObjectKey]*corev1.Secret
}

// Get a Secret. Others are read as ever.
func (r *remembered) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	s, ok := obj.(*corev1.Secret)
	if !ok {
		return r.Reader.Get(ctx, key, obj, opts...)
	}
	r.mu.Lock()
	known := r.secrets[key]
	r.mu.Unlock()
	if known != nil && r.current(ctx, key) == known.GetResourceVersion() {
		known.DeepCopyInto(s)
		return nil
	}
	err := r.Reader.Get(ctx, key, s, opts...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		delete(r.secrets, key)
		return err
	}
	r.secrets[key] = s.DeepCopy()
	return nil
}

// current is the version of a Secret that the cache knows, empty if it knows none.
func (r *remembered) current(ctx context.Context, key client.ObjectKey) string {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	if err := r.metadata.Get(ctx, key, m); err != nil {
		return ""
	}
	return m.GetResourceVersion()
}
