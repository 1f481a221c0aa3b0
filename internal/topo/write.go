package topo

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// Create writes a record that must not exist, and its owner. It fails as
// ErrExists or ErrOwnedByOther if it does. An owner that was left behind by a
// record deleted by hand keeps its claim on the path.
func (r Records[M]) Create(ctx context.Context, w Writer, p Path, m M) (Record[M], error) {
	rec := Record[M]{Path: p}

	if err := r.check(w, p); err != nil {
		return rec, err
	}

	raw, err := encode(m)
	if err != nil {
		return rec, err
	}

	revision, err := r.store.write(ctx, w, change{path: p, create: true, put: true, value: raw})
	if err != nil {
		return rec, errors.Wrapf(err, "cannot create %s", p)
	}

	rec.Owner = w.Owner

	return rec.with(raw, revision)
}

// Update applies a change to the message of a record that was read, and makes
// the writer its owner if it may. Everything that the function leaves alone
// stays, also fields that are unknown here. If nothing changes nothing is
// written. It fails as ErrConflict if the record changed since it was read, and
// as ErrAbsent if it is gone.
func (r Records[M]) Update(ctx context.Context, w Writer, rec Record[M], update func(M) error) (Record[M], error) {
	if err := r.check(w, rec.Path); err != nil {
		return rec, err
	}

	if !w.may(rec.Owner) {
		return rec, errors.Wrapf(ErrOwnedByOther, "cannot update %s", rec.Path)
	}

	if rec.Revision == 0 {
		return rec, errors.Wrapf(ErrAbsent, "cannot update %s", rec.Path)
	}

	raw, changed, err := edit(rec.raw, update)
	if err != nil {
		return rec, errors.Wrapf(err, "cannot update %s", rec.Path)
	}

	if !changed && rec.Owner == w.Owner {
		return rec, nil
	}

	revision, err := r.store.write(ctx, w, change{path: rec.Path, revision: rec.Revision, owner: rec.Owner, put: changed, value: raw})
	if err != nil {
		return rec, errors.Wrapf(err, "cannot update %s", rec.Path)
	}

	if !changed {
		revision = rec.Revision
	}

	rec.Owner = w.Owner

	return rec.with(raw, revision)
}

// Delete removes a record that was read, and its owner. It fails as ErrConflict
// if the record changed since it was read, and as ErrAbsent if it is gone. A
// record that was absent but had an owner loses that.
func (r Records[M]) Delete(ctx context.Context, w Writer, rec Record[M]) error {
	if err := r.check(w, rec.Path); err != nil {
		return err
	}

	if rec.Revision == 0 && rec.Owner == "" {
		return errors.Wrapf(ErrAbsent, "cannot delete %s", rec.Path)
	}

	if !w.may(rec.Owner) {
		return errors.Wrapf(ErrOwnedByOther, "cannot delete %s", rec.Path)
	}

	_, err := r.store.write(ctx, w, change{path: rec.Path, revision: rec.Revision, owner: rec.Owner, remove: true})

	return errors.Wrapf(err, "cannot delete %s", rec.Path)
}

// check says why a writer cannot write at a path.
func (r Records[M]) check(w Writer, p Path) error {
	if err := w.check(); err != nil {
		return err
	}

	return p.check(r.pattern)
}
