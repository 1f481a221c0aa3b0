package resolve

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// ImageDefaults are the images of components that a spec does not pin, and when a cluster adopts them.
type ImageDefaults struct {
	// Set names one image for each component. A component that is left out has that of DefaultImages.
	Set v1alpha1.ImageSet

	// Strategy of clusters that choose none. Empty means immediate.
	Strategy v1alpha1.ImageUpdateStrategy
}

// DefaultImages are the images of Multigres v0.1.0 and of the versions of etcd and the exporter that it was tested with. They
// must not be changed.
var DefaultImages = ImageDefaults{
	Set: v1alpha1.ImageSet{
		Multiadmin:       "ghcr.io/multigres/multigres:v0.1.0",
		MultiadminWeb:    "ghcr.io/multigres/multiadmin-web:v0.1.0",
		Multigateway:     "ghcr.io/multigres/multigres:v0.1.0",
		Multiorch:        "ghcr.io/multigres/multigres:v0.1.0",
		Multipooler:      "ghcr.io/multigres/multigres:v0.1.0",
		Postgres:         "ghcr.io/multigres/pgctld:v0.1.0",
		Etcd:             "gcr.io/etcd-development/etcd:v3.6.7",
		PostgresExporter: "quay.io/prometheuscommunity/postgres-exporter:v0.20.1",
	},
	Strategy: v1alpha1.ImageUpdateImmediate,
}

// Reasons of the condition ImageRolloutPending.
const (
	// ReasonAwaitingAcknowledgement means that new default images wait for their revision to be acknowledged.
	ReasonAwaitingAcknowledgement = "AwaitingAcknowledgement"

	// ReasonRevisionMismatch means that new default images wait, and that another revision than theirs is acknowledged.
	ReasonRevisionMismatch = "RevisionMismatch"

	// ReasonUpToDate means that the available default images apply.
	ReasonUpToDate = "UpToDate"

	// ReasonFullyPinned means that the spec pins every image.
	ReasonFullyPinned = "FullyPinned"
)

// fullyPinned is what the operator writes in the place of a record for a cluster whose spec pins every image.
const fullyPinned = `"fully-pinned"`

// Images are the images that a cluster runs.
type Images struct {
	// Pull says how every pod pulls its images. The policy is set.
	Pull v1alpha1.ImagePullSpec

	// Set is the image of each component, all set. The image of an etcd block wins over that of etcd.
	Set v1alpha1.ImageSet

	// Status is what status.images must say: its applied set is the record that the next call reads.
	Status v1alpha1.ImagesStatus

	// Pending, Reason and Message are the condition ImageRolloutPending.
	Pending bool
	Reason  string
	Message string
}

// ForCell returns the images of a cell's pods.
func (i Images) ForCell() v1alpha1.CellImages {
	return v1alpha1.CellImages{
		ImagePullSpec: i.Pull,
		Multigateway:  v1alpha1.ImageRef(i.Set.Multigateway),
		Etcd:          v1alpha1.ImageRef(i.Set.Etcd),
	}
}

// ForShard returns the images of a shard's pods.
func (i Images) ForShard() v1alpha1.ShardImages {
	return v1alpha1.ShardImages{
		ImagePullSpec:    i.Pull,
		Multiorch:        v1alpha1.ImageRef(i.Set.Multiorch),
		Multipooler:      v1alpha1.ImageRef(i.Set.Multipooler),
		Postgres:         v1alpha1.ImageRef(i.Set.Postgres),
		PostgresExporter: v1alpha1.ImageRef(i.Set.PostgresExporter),
	}
}

// Revision identifies a set of images: 12 lower-case hexadecimal digits. The operator computes the same for the same set.
func Revision(set v1alpha1.ImageSet) string {
	var lines []string
	for _, c := range components {
		if image := *c.get(&set); image != "" {
			lines = append(lines, strings.ToLower(c.name)+"="+image)
		}
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])[:12]
}

// resolveImages decides which images apply.
func (r *resolver) resolveImages(c *v1alpha1.MultigresCluster, defaults ImageDefaults) {
	out := &r.out.Images
	out.Pull = r.spec.Images.ImagePullSpec
	if out.Pull.ImagePullPolicy == "" {
		out.Pull.ImagePullPolicy = corev1.PullIfNotPresent
	}

	pinned, pins := pinnedImages(r.spec.Images)
	if pins == len(components) {
		out.Set = pinned
		out.Status = v1alpha1.ImagesStatus{Source: v1alpha1.ImageSourceExplicit, Effective: &pinned}
		out.Reason, out.Message = ReasonFullyPinned, "The spec pins all images"
		return
	}

	strategy, acknowledged := defaults.Strategy, ""
	if p := r.spec.ImageUpdatePolicy; p != nil {
		acknowledged = p.AcknowledgedRevision
		if p.Strategy != "" {
			strategy = p.Strategy
		}
	}
	if strategy != v1alpha1.ImageUpdateLazy {
		strategy = v1alpha1.ImageUpdateImmediate
	}
	available := completeImages(defaults.Set, DefaultImages.Set)

	recorded := r.recordedImages(c, available, strategy)
	applied := r.applyImages(recorded, available, strategy, acknowledged)

	effective := completeImages(pinned, applied)
	source := v1alpha1.ImageSourceMixed
	if pins == 0 {
		source = v1alpha1.ImageSourceDefaults
	}
	out.Set = effective
	out.Status = v1alpha1.ImagesStatus{
		UpdateStrategy:    string(strategy),
		Source:            source,
		Effective:         &effective,
		Applied:           &applied,
		AppliedRevision:   Revision(applied),
		Available:         &available,
		AvailableRevision: Revision(available),
	}
}

// applyImages decides which set of default images applies, and says why.
func (r *resolver) applyImages(recorded *v1alpha1.ImageSet, available v1alpha1.ImageSet, strategy v1alpha1.ImageUpdateStrategy, acknowledged string) v1alpha1.ImageSet {
	out := &r.out.Images
	at := r.root.Child("imageUpdatePolicy", "acknowledgedRevision").String()
	availableRevision := Revision(available)
	recordedRevision := availableRevision
	if recorded != nil {
		recordedRevision = Revision(*recorded)
	}

	if strategy == v1alpha1.ImageUpdateImmediate && acknowledged != "" && acknowledged != availableRevision && acknowledged != recordedRevision {
		r.warn(ReasonImagesAcknowledgementIgnored, at+": has no effect under the immediate update strategy")
	}
	if strategy == v1alpha1.ImageUpdateImmediate || recordedRevision == availableRevision || acknowledged == availableRevision {
		out.Reason = ReasonUpToDate
		out.Message = "Images that the spec does not pin are those of the default set " + availableRevision
		return available
	}

	out.Pending = true
	out.Reason = ReasonAwaitingAcknowledgement
	out.Message = fmt.Sprintf("The default images %s are available; those of %s stay until %s is %q", availableRevision, recordedRevision, at, availableRevision)
	if acknowledged != "" && acknowledged != recordedRevision {
		out.Reason = ReasonRevisionMismatch
		r.warn(ReasonImagesRevisionMismatch, fmt.Sprintf("%s: is %q, but the available revision is %q", at, acknowledged, availableRevision))
	}
	return *recorded
}

// recordedImages returns the set of default images that applied so far. It returns nil for a cluster that has none: a new one,
// or one whose spec pinned every image.
//
// The record is the status that this package wrote. A cluster that the operator ran before has its record in an annotation,
// which counts until there is a status, and knows neither etcd nor the exporter: for those the available images stand in.
func (r *resolver) recordedImages(c *v1alpha1.MultigresCluster, available v1alpha1.ImageSet, strategy v1alpha1.ImageUpdateStrategy) *v1alpha1.ImageSet {
	status := field.NewPath("status", "images", "applied")
	var invalid *field.Path
	if s := c.Status.Images; s != nil && s.Applied != nil {
		if recordComplete(*s.Applied) {
			set := completeImages(*s.Applied, available)
			return &set
		}
		invalid = status
	}

	if raw, ok := c.GetAnnotations()[naming.AnnotationAppliedImages]; ok && raw != fullyPinned {
		var set v1alpha1.ImageSet
		if err := json.Unmarshal([]byte(raw), &set); err == nil && recordComplete(set) {
			set = completeImages(set, available)
			return &set
		}
		invalid = field.NewPath("metadata", "annotations").Key(naming.AnnotationAppliedImages)
	}

	if invalid == nil {
		return nil
	}
	if strategy == v1alpha1.ImageUpdateLazy {
		// Whatever applied is better than a rollout that nobody acknowledged.
		r.fail(field.Invalid(invalid, field.OmitValueType{}, "does not name an image for each component, so that it is unknown which images the lazy update strategy must keep"))
		return nil
	}
	r.warn(ReasonImagesRecordInvalid, invalid.String()+": does not name an image for each component; the available default images apply")
	return nil
}
