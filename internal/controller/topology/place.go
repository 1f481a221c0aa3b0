package topology

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
)

// AnnotationAbandon names places, by their IDs and separated by commas, that a managed resource is not to return to. What it
// wrote there stays. Only a person sets it, when a server is gone for good: the IDs are in the messages of conditions.
const AnnotationAbandon = "topology.m.multigres.com/abandon"

// A Place is a topology that a managed resource may have written to: the context of its claims. It holds what is needed to come
// back when the managed resource and its configuration say something else by now, and no secret.
type Place struct {
	// Config is the kind and name of the configuration that says how to connect.
	Config string `json:"config"`

	// Endpoints of the server, sorted and separated by commas.
	Endpoints string `json:"endpoints"`

	// Root of the topology.
	Root string `json:"root"`

	// Server is the ID of the etcd cluster that answered there.
	Server string `json:"server"`
}

// newPlace of a topology.
func newPlace(config string, endpoints []string, root, server string) Place {
	return Place{Config: config, Endpoints: strings.Join(slices.Sorted(slices.Values(endpoints)), ","), Root: root, Server: server}
}

// Same reports whether two places hold the same records: they have the same root, and the same server or the same endpoints. The
// server at some endpoints may be another one after it was built anew; one server may be known by several endpoints.
func (p Place) Same(o Place) bool {
	return p.Root == o.Root && (p.Server == o.Server && p.Server != "" || p.Endpoints == o.Endpoints)
}

// ID of the place, for people: 8 hexadecimal digits.
func (p Place) ID() string {
	sum := sha256.Sum256([]byte(p.Config + "\n" + p.Endpoints + "\n" + p.Root))
	return hex.EncodeToString(sum[:4])
}

// String describes the place for people.
func (p Place) String() string { return p.Endpoints + p.Root + " (" + p.ID() + ")" }

// Abandoned reports whether a person gave the place up for a managed resource.
func (p Place) Abandoned(mg resource.Managed) bool {
	for id := range strings.SplitSeq(mg.GetAnnotations()[AnnotationAbandon], ",") {
		if strings.TrimSpace(id) == p.ID() {
			return true
		}
	}
	return false
}

// endpoints of the place, as a list.
func (p Place) endpoints() []string { return strings.Split(p.Endpoints, ",") }

// config is the kind and name of the place's configuration.
func (p Place) config() (kind, name string) {
	kind, name, _ = strings.Cut(p.Config, "/")
	return kind, name
}
