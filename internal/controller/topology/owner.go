package topology

import (
	"context"
	"strings"
	"sync"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// AnnotationAdopt names the owner whose record a managed resource takes over. Only a person sets it: the owner is in the message
// of the condition that says OwnedByOther.
const AnnotationAdopt = "topology.m.multigres.com/adopt"

// An Ownership is what the owner of a record is to a managed resource.
type Ownership string

// The ownerships.
const (
	// Mine are records that the managed resource wrote.
	Mine Ownership = "Mine"

	// Free are records without owner.
	Free Ownership = "Free"

	// Predecessor owns records of a managed resource of the same control plane, namespace, kind and name. There is one of a
	// name at a time, so that one is gone, and could not remove them.
	Predecessor Ownership = "Predecessor"

	// Named is an owner whose records a person wants the managed resource to take over.
	Named Ownership = "Named"

	// Other owners are not to be disturbed.
	Other Ownership = "Other"
)

// An owner is a managed resource as its records name it.
type owner struct {
	// line is what the owner shares with its predecessors.
	line string
	uid  string
	// adopt is the owner that a person named, or empty.
	adopt string
}

// newOwner of records: <control plane>/<namespace>/<kind>/<name>/<uid>. None of the parts can hold a slash.
func newOwner(identity, kind string, mg resource.Managed) owner {
	line := strings.Join([]string{identity, mg.GetNamespace(), kind, mg.GetName()}, "/") + "/"
	return owner{line: line, uid: string(mg.GetUID()), adopt: mg.GetAnnotations()[AnnotationAdopt]}
}

// String is what is written beside records.
func (o owner) String() string { return o.line + o.uid }

// of says what a record's owner is.
func (o owner) of(other string) Ownership {
	switch {
	case other == "":
		return Free
	case other == o.String():
		return Mine
	case strings.HasPrefix(other, o.line):
		return Predecessor
	case other == o.adopt:
		return Named
	default:
		return Other
	}
}

// inherits reports whether the records of another owner may be taken over.
func (o owner) inherits(other string) bool {
	is := o.of(other)
	return is == Predecessor || is == Named
}

// An identifier finds out once which control plane this is: the UID of its namespace kube-system, which lives as long as it.
type identifier struct {
	live client.Reader

	mu sync.Mutex
	id string
}

// get the identity of the control plane. A failure is tried again by the next one who asks.
func (i *identifier) get(ctx context.Context) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.id != "" {
		return i.id, nil
	}
	ns := &corev1.Namespace{}
	if err := i.live.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, ns); err != nil {
		return "", errors.Wrap(err, "cannot identify the control plane")
	}
	if ns.GetUID() == "" {
		return "", errors.Errorf("cannot identify the control plane: namespace %s has no UID", metav1.NamespaceSystem)
	}
	i.id = string(ns.GetUID())
	return i.id, nil
}
