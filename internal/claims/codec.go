package claims

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// Annotation holds the claims of a managed resource. Compositions must not set it: what they set once and leave out later
	// is removed by server-side apply.
	Annotation = "topology.m.multigres.com/claims"

	// Budget is the largest size of claims in bytes. All annotations of an object share 256 KiB.
	Budget = 64 << 10

	// version of the format.
	version = 1
)

// The errors of claims that cannot be used.
var (
	// ErrForeign means that the claims were made by another managed resource and came here in a copy of it. They are none.
	ErrForeign = errors.New("claims belong to another managed resource")

	// ErrUnreadable means that the claims are damaged, or that a later version wrote them. Nothing must be removed on their
	// account, and they may be replaced only by what is observed to be ours.
	ErrUnreadable = errors.New("claims are unreadable")

	// ErrTooLarge means that there are more claims than an annotation may hold. Nothing must be written outside.
	ErrTooLarge = errors.New("claims are too large")
)

// An envelope is what the annotation holds.
type envelope[C comparable] struct {
	Version    int       `json:"v"`
	UID        types.UID `json:"uid"`
	Generation int64     `json:"gen"`
	Claims     Claims[C] `json:"claims"`
}

// Encode the claims of the managed resource with the given UID, made from the given generation. Equal claims are encoded equally.
func Encode[C comparable](c Claims[C], uid types.UID, generation int64) (string, error) {
	type encoded struct {
		claim Claim[C]
		key   []byte
	}
	all := make([]encoded, 0, len(c))
	for _, claim := range c {
		key, err := json.Marshal(claim.Context)
		if err != nil {
			return "", errors.Wrap(err, "cannot encode context of claims")
		}
		all = append(all, encoded{claim: claim, key: key})
	}
	slices.SortFunc(all, func(a, b encoded) int { return bytes.Compare(a.key, b.key) })
	e := envelope[C]{Version: version, UID: uid, Generation: generation, Claims: make(Claims[C], 0, len(c))}
	for _, a := range all {
		e.Claims = append(e.Claims, Claim[C]{Context: a.claim.Context, Items: merged(nil, a.claim.Items)})
	}
	b, err := json.Marshal(e)
	if err != nil {
		return "", errors.Wrap(err, "cannot encode claims")
	}
	if len(b) > Budget {
		return "", errors.Wrapf(ErrTooLarge, "%d of %d bytes", len(b), Budget)
	}
	return string(b), nil
}

// Decode the annotation of the managed resource with the given UID. No annotation is no claims. The error is ErrForeign or
// ErrUnreadable, and no claims are returned with it.
func Decode[C comparable](annotation string, uid types.UID) (Claims[C], error) {
	if annotation == "" {
		return nil, nil
	}
	if err := head(annotation, uid); err != nil {
		return nil, err
	}
	e := envelope[C]{}
	d := json.NewDecoder(bytes.NewReader([]byte(annotation)))
	// A context that is read in part is another place.
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return nil, errors.Wrap(ErrUnreadable, err.Error())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.Wrap(ErrUnreadable, "more than one value")
	}
	seen := make(map[C]bool, len(e.Claims))
	for _, claim := range e.Claims {
		if seen[claim.Context] {
			return nil, errors.Wrap(ErrUnreadable, "more than one claim in a context")
		}
		seen[claim.Context] = true
	}
	return e.Claims, nil
}

// head reads who wrote claims and in which format. It fails as Decode does.
func head(annotation string, uid types.UID) error {
	// Who wrote it is asked first: what others wrote need not be readable.
	h := struct {
		Version int       `json:"v"`
		UID     types.UID `json:"uid"`
	}{}
	if err := json.Unmarshal([]byte(annotation), &h); err != nil {
		return errors.Wrap(ErrUnreadable, err.Error())
	}
	if h.Version < 1 || h.UID == "" {
		return errors.Wrap(ErrUnreadable, "no version or UID")
	}
	if h.UID != uid {
		return errors.Wrapf(ErrForeign, "UID %q", h.UID)
	}
	if h.Version != version {
		return errors.Wrapf(ErrUnreadable, "version %d", h.Version)
	}
	return nil
}

// Readable reports whether an annotation holds no claims, or claims that the managed resource with the given UID made, as far as
// can be told without knowing its contexts.
func Readable(annotation string, uid types.UID) bool {
	return annotation == "" || head(annotation, uid) == nil
}
