package resolve

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// imageSet returns a set in which every image has the tag.
func imageSet(tag string) v1alpha1.ImageSet {
	return v1alpha1.ImageSet{
		Multiadmin: "multigres:" + tag, MultiadminWeb: "web:" + tag, Multigateway: "multigres:" + tag, Multiorch: "multigres:" + tag,
		Multipooler: "multigres:" + tag, Postgres: "pgctld:" + tag, Etcd: "etcd:" + tag, PostgresExporter: "exporter:" + tag,
	}
}

// operatorSet returns a set as the operator records it: it knows neither etcd nor the exporter.
func operatorSet(tag string) v1alpha1.ImageSet {
	out := imageSet(tag)
	out.Etcd, out.PostgresExporter = "", ""
	return out
}

// pins returns a spec that pins all images to the tag.
func pins(tag string) v1alpha1.ClusterImages {
	s := imageSet(tag)
	return v1alpha1.ClusterImages{
		Multiadmin: v1alpha1.ImageRef(s.Multiadmin), MultiadminWeb: v1alpha1.ImageRef(s.MultiadminWeb), Multigateway: v1alpha1.ImageRef(s.Multigateway),
		Multiorch: v1alpha1.ImageRef(s.Multiorch), Multipooler: v1alpha1.ImageRef(s.Multipooler), Postgres: v1alpha1.ImageRef(s.Postgres),
		Etcd: v1alpha1.ImageRef(s.Etcd), PostgresExporter: v1alpha1.ImageRef(s.PostgresExporter),
	}
}

func record(set v1alpha1.ImageSet) map[string]string {
	raw, _ := json.Marshal(set)
	return map[string]string{naming.AnnotationAppliedImages: string(raw)}
}

func annotation(raw string) map[string]string {
	return map[string]string{naming.AnnotationAppliedImages: raw}
}

func TestResolveImages(t *testing.T) {
	const lazy, immediate = v1alpha1.ImageUpdateLazy, v1alpha1.ImageUpdateImmediate
	v1, v2 := imageSet("v1"), imageSet("v2")
	// What the operator recorded, with the images that it did not know.
	migrated := operatorSet("v1")
	migrated.Etcd, migrated.PostgresExporter = v2.Etcd, v2.PostgresExporter

	applied := func(set v1alpha1.ImageSet) *v1alpha1.ImagesStatus {
		return &v1alpha1.ImagesStatus{Applied: &set, AppliedRevision: Revision(set)}
	}
	acknowledge := func(revision string) *v1alpha1.ImageUpdatePolicy {
		return &v1alpha1.ImageUpdatePolicy{AcknowledgedRevision: revision}
	}

	cases := map[string]struct {
		reason      string
		strategy    v1alpha1.ImageUpdateStrategy
		policy      *v1alpha1.ImageUpdatePolicy
		images      v1alpha1.ClusterImages
		status      *v1alpha1.ImagesStatus
		annotations map[string]string
		defaults    *v1alpha1.ImageSet

		want     v1alpha1.ImageSet
		applied  *v1alpha1.ImageSet
		source   string
		reasonIs string
		pending  bool
		warnings []string
		problems []string
	}{
		"ImmediateAdopts": {
			reason: "The immediate strategy adopts new defaults at once.", strategy: immediate, status: applied(v1),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate,
		},
		"EmptyStrategyIsImmediate": {
			reason: "Without a strategy new defaults are adopted at once.", status: applied(v1),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate,
		},
		"LazyHolds": {
			reason: "The lazy strategy keeps what applies until its successor is acknowledged.", strategy: lazy, status: applied(v1),
			want: v1, applied: &v1, source: "defaults", reasonIs: ReasonAwaitingAcknowledgement, pending: true,
		},
		"LazyHoldsWhatTheOperatorRecorded": {
			reason: "A cluster that the operator ran keeps its images; those that it did not record are the available ones.", strategy: lazy, annotations: record(operatorSet("v1")),
			want: migrated, applied: &migrated, source: "defaults", reasonIs: ReasonAwaitingAcknowledgement, pending: true,
		},
		"LazyAdoptsAcknowledged": {
			reason: "The lazy strategy adopts the set whose revision is acknowledged.", strategy: lazy, status: applied(v1), policy: acknowledge(Revision(v2)),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate,
		},
		"ConsumedAcknowledgementWaits": {
			reason: "An acknowledgement of what applies is the normal state between two rollouts.", strategy: lazy, status: applied(v1), policy: acknowledge(Revision(v1)),
			want: v1, applied: &v1, source: "defaults", reasonIs: ReasonAwaitingAcknowledgement, pending: true,
		},
		"MismatchHolds": {
			reason: "An acknowledgement of something else changes nothing and is told.", strategy: lazy, status: applied(v1), policy: acknowledge("abc"),
			want: v1, applied: &v1, source: "defaults", reasonIs: ReasonRevisionMismatch, pending: true, warnings: []string{ReasonImagesRevisionMismatch},
		},
		"NewClusterAdopts": {
			reason: "A new cluster starts with the available images, whatever the strategy.", strategy: lazy,
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate,
		},
		"LazyUpToDate": {
			reason: "There is nothing to wait for while the available images apply.", strategy: lazy, status: applied(v2), policy: acknowledge("abc"),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate,
		},
		"PinWins": {
			reason: "An image that the spec pins wins; the others follow the defaults.", strategy: lazy, images: v1alpha1.ClusterImages{Postgres: "mine"},
			want: func() v1alpha1.ImageSet { s := v2; s.Postgres = "mine"; return s }(), applied: &v2, source: "mixed", reasonIs: ReasonUpToDate,
		},
		"PinWinsOverHeld": {
			reason: "An image that the spec pins wins over one that the lazy strategy keeps.", strategy: lazy, status: applied(v1), images: v1alpha1.ClusterImages{Postgres: "mine"},
			want: func() v1alpha1.ImageSet { s := v1; s.Postgres = "mine"; return s }(), applied: &v1, source: "mixed", reasonIs: ReasonAwaitingAcknowledgement, pending: true,
		},
		"FullyPinned": {
			reason: "A spec that pins all images needs no defaults, and leaves no record.", strategy: lazy, status: applied(v1), images: pins("v3"),
			want: imageSet("v3"), source: "explicit", reasonIs: ReasonFullyPinned,
		},
		"FullyPinnedIgnoresCorruptRecord": {
			reason: "A spec that pins all images needs no record.", strategy: lazy, annotations: annotation("{"), images: pins("v3"),
			want: imageSet("v3"), source: "explicit", reasonIs: ReasonFullyPinned,
		},
		"PartialUnpinAdopts": {
			reason: "A pin that is cleared after all were pinned adopts the available image.", strategy: lazy,
			status: &v1alpha1.ImagesStatus{Source: "explicit", Effective: ptr.To(imageSet("v3"))},
			images: func() v1alpha1.ClusterImages { i := pins("v3"); i.Postgres = ""; return i }(),
			want:   func() v1alpha1.ImageSet { s := imageSet("v3"); s.Postgres = v2.Postgres; return s }(), applied: &v2, source: "mixed", reasonIs: ReasonUpToDate,
		},
		"FullUnpinAdopts": {
			reason: "All pins cleared adopt the available images.", strategy: lazy,
			status: &v1alpha1.ImagesStatus{Source: "explicit", Effective: ptr.To(imageSet("v3"))},
			want:   v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate,
		},
		"TombstoneIsNoRecord": {
			reason: "What the operator writes for a fully pinned cluster is no record of images.", strategy: lazy, annotations: annotation(`"fully-pinned"`),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate,
		},
		"CorruptRecordFailsLazy": {
			reason: "Without a readable record the lazy strategy does not know what to keep.", strategy: lazy, annotations: annotation("{not json"),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate, problems: []string{"FieldValueInvalid metadata.annotations[multigres.com/applied-images]"},
		},
		"EmptyRecordFailsLazy": {
			reason: "An empty record is none that could be kept.", strategy: lazy, annotations: annotation(""),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate, problems: []string{"FieldValueInvalid metadata.annotations[multigres.com/applied-images]"},
		},
		"PartialRecordFailsLazy": {
			reason: "A record that lacks a component would let that one roll.", strategy: lazy, annotations: annotation(`{"postgres":"pgctld:v1"}`),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate, problems: []string{"FieldValueInvalid metadata.annotations[multigres.com/applied-images]"},
		},
		"PartialStatusFailsLazy": {
			reason: "The same holds for our own record.", strategy: lazy, status: applied(v1alpha1.ImageSet{Postgres: "pgctld:v1"}),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate, problems: []string{"FieldValueInvalid status.images.applied"},
		},
		"CorruptAnnotationFallsBackToStatus": {
			reason: "Our own record is enough, whatever the operator left.", strategy: lazy, status: applied(v1), annotations: annotation("{not json"),
			want: v1, applied: &v1, source: "defaults", reasonIs: ReasonAwaitingAcknowledgement, pending: true,
		},
		"StatusWinsOverAnnotation": {
			reason: "The operator's record is history once there is our own.", strategy: lazy, status: applied(v1), annotations: record(operatorSet("v0")),
			want: v1, applied: &v1, source: "defaults", reasonIs: ReasonAwaitingAcknowledgement, pending: true,
		},
		"PartialStatusFallsBackToAnnotation": {
			reason: "The operator's record is better than none.", strategy: lazy, status: applied(v1alpha1.ImageSet{}), annotations: record(v1),
			want: v1, applied: &v1, source: "defaults", reasonIs: ReasonAwaitingAcknowledgement, pending: true,
		},
		"CorruptRecordRecoversImmediate": {
			reason: "The immediate strategy needs no record, but tells.", strategy: immediate, annotations: annotation("{not json"),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate, warnings: []string{ReasonImagesRecordInvalid},
		},
		"AcknowledgementIgnoredImmediate": {
			reason: "An acknowledgement has no use under the immediate strategy.", strategy: immediate, policy: acknowledge("abcdef123456"),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate, warnings: []string{ReasonImagesAcknowledgementIgnored},
		},
		"AcknowledgementOfTheAvailableIsQuiet": {
			reason: "An acknowledgement of what applies does no harm.", strategy: immediate, policy: acknowledge(Revision(v2)),
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate,
		},
		"ClusterLazyOverImmediate": {
			reason: "A single cluster can be held back.", strategy: immediate, status: applied(v1), policy: &v1alpha1.ImageUpdatePolicy{Strategy: lazy},
			want: v1, applied: &v1, source: "defaults", reasonIs: ReasonAwaitingAcknowledgement, pending: true,
		},
		"ClusterImmediateOverLazy": {
			reason: "A single cluster can go ahead.", strategy: lazy, status: applied(v1), policy: &v1alpha1.ImageUpdatePolicy{Strategy: immediate},
			want: v2, applied: &v2, source: "defaults", reasonIs: ReasonUpToDate,
		},
		"NoDefaultsAreBuiltIn": {
			reason: "A function that was started without images has its own.", defaults: &v1alpha1.ImageSet{},
			want: DefaultImages.Set, applied: &DefaultImages.Set, source: "defaults", reasonIs: ReasonUpToDate,
		},
		"SomeDefaultsAreBuiltIn": {
			reason: "Each image can be set on its own.", defaults: &v1alpha1.ImageSet{Postgres: "other"},
			want:    func() v1alpha1.ImageSet { s := DefaultImages.Set; s.Postgres = "other"; return s }(),
			applied: func() *v1alpha1.ImageSet { s := DefaultImages.Set; s.Postgres = "other"; return &s }(), source: "defaults", reasonIs: ReasonUpToDate,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := cluster(func(c *v1alpha1.MultigresCluster) {
				c.Annotations = tc.annotations
				c.Spec.Images = tc.images
				c.Spec.ImageUpdatePolicy = tc.policy
				c.Status.Images = tc.status
			})
			defaults := ImageDefaults{Set: v2, Strategy: tc.strategy}
			if tc.defaults != nil {
				defaults.Set = *tc.defaults
			}
			got, warnings, errs := Resolve(c, Templates{}, defaults)

			if diff := cmp.Diff(tc.want, got.Images.Set); diff != "" {
				t.Errorf("\n%s\nimages: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(&tc.want, got.Images.Status.Effective); diff != "" {
				t.Errorf("\n%s\nstatus.images.effective: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.applied, got.Images.Status.Applied); diff != "" {
				t.Errorf("\n%s\nstatus.images.applied: -want, +got:\n%s", tc.reason, diff)
			}
			type condition struct {
				Source, Reason string
				Pending        bool
			}
			want := condition{Source: tc.source, Reason: tc.reasonIs, Pending: tc.pending}
			if diff := cmp.Diff(want, condition{Source: got.Images.Status.Source, Reason: got.Images.Reason, Pending: got.Images.Pending}); diff != "" {
				t.Errorf("\n%s\ncondition: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.warnings, reasons(warnings)); diff != "" {
				t.Errorf("\n%s\nwarnings: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.problems, problems(errs)); diff != "" {
				t.Errorf("\n%s\nproblems: -want, +got:\n%s", tc.reason, diff)
			}
			if len(errs) > 0 {
				return
			}

			// What is recorded now must give the same result the next time.
			c.Status.Images = got.Images.Status.DeepCopy()
			again, _, _ := Resolve(c, Templates{}, defaults)
			if diff := cmp.Diff(got.Images, again.Images); diff != "" {
				t.Errorf("\n%s\nnext time: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestRevision(t *testing.T) {
	// The operator's own set of one of its versions, and the revision that it shows for it.
	const multigres = "ghcr.io/multigres/multigres:sha-66d2310"
	operator := v1alpha1.ImageSet{
		Postgres: "ghcr.io/multigres/pgctld:sha-66d2310", MultiadminWeb: "ghcr.io/multigres/multiadmin-web:sha-64da1ab",
		Multiadmin: multigres, Multiorch: multigres, Multipooler: multigres, Multigateway: multigres,
	}
	if diff := cmp.Diff("51818592d94d", Revision(operator)); diff != "" {
		t.Errorf("Revision(...) of the operator's set: -want, +got:\n%s", diff)
	}

	seen := map[string]bool{Revision(imageSet("v1")): true}
	for _, c := range components {
		s := imageSet("v1")
		*c.get(&s) = "other"
		if r := Revision(s); seen[r] {
			t.Errorf("Revision(...) does not change with the image of %s", c.name)
		}
		seen[Revision(s)] = true
	}
}

func TestImagesFor(t *testing.T) {
	c := mustResolve(t, cluster(func(c *v1alpha1.MultigresCluster) {
		c.Spec.Images = pins("v1")
		c.Spec.Images.ImagePullPolicy = corev1.PullAlways
		c.Spec.Images.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "pull"}}
		c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{Image: "own"}}
		c.Spec.Cells[0].Spec = &v1alpha1.CellInlineSpec{LocalTopoServer: &v1alpha1.LocalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{}}}
	}), Templates{})

	pull := v1alpha1.ImagePullSpec{ImagePullPolicy: corev1.PullAlways, ImagePullSecrets: []corev1.LocalObjectReference{{Name: "pull"}}}
	if diff := cmp.Diff(v1alpha1.CellImages{ImagePullSpec: pull, Multigateway: "multigres:v1", Etcd: "etcd:v1"}, c.Images.ForCell()); diff != "" {
		t.Errorf("ForCell(): -want, +got:\n%s", diff)
	}
	want := v1alpha1.ShardImages{ImagePullSpec: pull, Multiorch: "multigres:v1", Multipooler: "multigres:v1", Postgres: "pgctld:v1", PostgresExporter: "exporter:v1"}
	if diff := cmp.Diff(want, c.Images.ForShard()); diff != "" {
		t.Errorf("ForShard(): -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(pull, c.GlobalTopo.Managed.ImagePullSpec); diff != "" {
		t.Errorf("pull spec of the topology server: -want, +got:\n%s", diff)
	}
	etcds := []v1alpha1.ImageRef{c.GlobalTopo.Managed.Etcd.Image, c.Cells[0].LocalTopo.Etcd.Image}
	if diff := cmp.Diff([]v1alpha1.ImageRef{"own", "etcd:v1"}, etcds); diff != "" {
		t.Errorf("images of etcd: -want, +got:\n%s", diff)
	}
}
