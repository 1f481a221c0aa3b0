package setup

import (
	"context"
	"strconv"
	"sync"

	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// A frugal client leaves out writes that change nothing. The reconcilers of crossplane-runtime write the status at the end of each
// reconcile, whatever it was; at rest that would be all that a provider asks of the API server.
type frugal struct {
	client.Client

	versions *versions
}

// A FrugalManager is a manager with a frugal client.
type FrugalManager struct {
	manager.Manager

	kube *frugal
}

// Frugally returns a manager whose reconcilers, which must be visiting, leave out writes that change nothing.
func Frugally(mgr manager.Manager) FrugalManager {
	return FrugalManager{Manager: mgr, kube: &frugal{Client: mgr.GetClient(), versions: &versions{of: map[types.UID]uint64{}}}}
}

// GetClient returns the frugal client.
func (m FrugalManager) GetClient() client.Client { return m.kube }

// Forget an object that is gone.
func (m FrugalManager) Forget(obj client.Object) { m.kube.versions.forget(obj.GetUID()) }

// Get an object. The first one of a visit is the one that it is about.
func (f *frugal) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	err := f.Client.Get(ctx, key, obj, opts...)
	if v := visitOf(ctx); err == nil && v.read == nil {
		v.read, _ = obj.DeepCopyObject().(client.Object)
	}
	return err
}

// Update an object, unless it is as it was read. A managed resource is updated in any case: what is created after it relies on the
// API server's word that it was read as it is.
func (f *frugal) Update(ctx context.Context, obj client.Object, opts ...client.UpdateOption) error {
	if _, managed := obj.(resource.Managed); !managed && f.holds(visitOf(ctx).read, obj) {
		return nil
	}
	return f.Client.Update(ctx, obj, opts...)
}

// Status returns a client of the status.
func (f *frugal) Status() client.SubResourceWriter {
	return &frugalStatus{SubResourceWriter: f.Client.Status(), frugal: f}
}

// holds reports whether the API server certainly holds an object: it is as it was read, and it was not read before this process
// last wrote its status.
func (f *frugal) holds(read, obj client.Object) bool {
	return read != nil && f.versions.include(read) && equality.Semantic.DeepEqual(read, obj)
}

// A frugalStatus is a client of the status.
type frugalStatus struct {
	client.SubResourceWriter

	frugal *frugal
}

// Update the status of an object, unless it is as it was read, or says no more than that the external resource was just created: it
// is observed next, and then there is more to say.
func (s *frugalStatus) Update(ctx context.Context, obj client.Object, opts ...client.SubResourceUpdateOption) error {
	v := visitOf(ctx)
	if v.created && succeeded(obj) || s.frugal.holds(v.read, obj) {
		return nil
	}
	err := s.SubResourceWriter.Update(ctx, obj, opts...)
	if err == nil {
		s.frugal.versions.note(obj)
	}
	return err
}

// succeeded reports whether a managed resource says that its reconcile did.
func succeeded(obj client.Object) bool {
	mg, ok := obj.(resource.Managed)
	return ok && mg.GetCondition(xpv2.TypeSynced).Reason == xpv2.ReasonReconcileSuccess
}

// versions are those of objects whose status was written last. A cache may not know of them yet, so that what equals what it has
// may be news to the API server.
type versions struct {
	mu sync.Mutex
	of map[types.UID]uint64
}

// note the version of an object that was written.
func (v *versions) note(obj client.Object) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n, err := strconv.ParseUint(obj.GetResourceVersion(), 10, 64); err == nil {
		v.of[obj.GetUID()] = n
		return
	}
	delete(v.of, obj.GetUID())
}

// include reports whether an object that was read is not older than what was written. Versions are decimal numbers that rise
// (KEP-5504); what is none is compared with nothing.
func (v *versions) include(read client.Object) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	n, err := strconv.ParseUint(read.GetResourceVersion(), 10, 64)
	return err == nil && n >= v.of[read.GetUID()]
}

func (v *versions) forget(uid types.UID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.of, uid)
}
