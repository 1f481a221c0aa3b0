package record

import (
	"context"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"google.golang.org/protobuf/proto"

	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// A sight is a record at one place.
type sight[M proto.Message] struct {
	store *topo.Store
	rec   topo.Record[M]
	is    topology.Ownership
}

// there reports whether there is a record.
func (s *sight[M]) there() bool { return s.rec.Revision > 0 }

// mine reports whether there is something of the managed resource's own: a record, or an owner that a record left behind that
// somebody else deleted.
func (s *sight[M]) mine() bool { return s.is == topology.Mine }

// A view is what a managed resource sees at all places that concern it.
type view[M proto.Message] struct {
	// here is the place where the record is to be, and what there is.
	here topology.Place
	sight[M]

	// written are the claims as they are. In claims, places that turned out to be this one are named like it, and those that
	// were abandoned are left out.
	written, claims claims.Claims[topology.Place]
	// foreign is true if the claims came here in a copy of another managed resource.
	foreign bool

	// desired parts, at this place.
	desired claims.Claim[topology.Place]
	ops     claims.Ops[topology.Place]

	// previous places that could be read.
	previous map[topology.Place]*sight[M]
	// pending places could not, and why.
	pending []topology.Place
	why     error
}

// look at all places. An error says that nothing is known about the place where the record is to be.
func (e *external[T, M]) look(ctx context.Context, mg T) (*view[M], error) {
	v := &view[M]{previous: map[topology.Place]*sight[M]{}}
	var err error
	v.claims, err = e.conn.Claims()
	if v.foreign = errors.Is(err, claims.ErrForeign); err != nil && !v.foreign {
		return v, errors.Wrapf(err, "cannot use annotation %s", claims.Annotation)
	}
	v.written = v.claims
	v.here = e.conn.Somewhere()
	if v.sight, err = e.read(ctx, mg, e.conn.Store()); err != nil {
		return v, err
	}
	if v.here, err = e.conn.Place(ctx); err != nil {
		return v, err
	}
	e.lookBack(ctx, mg, v)
	items, err := e.Desired(mg)
	if err != nil {
		return v, err
	}
	v.desired = claims.Claim[topology.Place]{Context: v.here, Items: items}
	return v, e.compare(mg, v)
}

// read the record at one place.
func (e *external[T, M]) read(ctx context.Context, mg T, s *topo.Store) (sight[M], error) {
	rec, err := e.Records(s).Get(ctx, e.Path(mg))
	if err != nil && !errors.Is(err, topo.ErrAbsent) {
		return sight[M]{}, err
	}
	return sight[M]{store: s, rec: rec, is: e.conn.Owner(rec.Owner)}, nil
}

// lookBack at the places that were written to before. What cannot be read is pending; what turns out to be this place is no other.
func (e *external[T, M]) lookBack(ctx context.Context, mg T, v *view[M]) {
	var elsewhere, own claims.Claims[topology.Place]
	for _, c := range v.claims {
		if c.Context.Same(v.here) {
			own = append(own, c)
			continue
		}
		s, same, err := e.back(ctx, mg, v.here, c.Context)
		switch {
		case same:
			own = append(own, c)
			continue
		case err != nil && c.Context.Abandoned(mg):
			// A person says that there is nothing to come back for.
			continue
		case err != nil:
			v.pending, v.why = append(v.pending, c.Context), err
		default:
			v.previous[c.Context] = &s
		}
		elsewhere = append(elsewhere, c)
	}
	// What is claimed here goes by the name that the place has now.
	for _, c := range own {
		elsewhere = elsewhere.Widen(claims.Claim[topology.Place]{Context: v.here, Items: c.Items})
	}
	v.claims = elsewhere
}

// back reads the record at a previous place. It reports whether that is the same place as another one by now.
func (e *external[T, M]) back(ctx context.Context, mg T, here, p topology.Place) (sight[M], bool, error) {
	store, err := e.conn.Return(ctx, p)
	if err != nil {
		return sight[M]{}, false, err
	}
	s, err := e.read(ctx, mg, store)
	if err != nil {
		return sight[M]{}, false, err
	}
	server, err := store.Cluster(ctx)
	return s, err == nil && server == here.Server && p.Root == here.Root, err
}

// compare what is observed with what is desired.
func (e *external[T, M]) compare(mg T, v *view[M]) error {
	observed := map[topology.Place]claims.Observed{v.here: {}}
	if v.there() {
		parts, err := e.Observed(v.rec.Path, v.rec.Message)
		if err != nil {
			return err
		}
		observed[v.here] = parts
	}
	for p, s := range v.previous {
		// At a previous place the record goes as a whole, and only if it is still ours.
		observed[p] = claims.Observed{}
		if s.mine() {
			observed[p][string(e.Path(mg))] = ""
		}
	}
	v.ops = claims.Diff(v.claims, observed, v.desired)
	return nil
}

// upToDate reports whether there is nothing to do, neither outside nor to the claims.
func (v *view[M]) upToDate() bool {
	return v.mine() && !v.foreign && v.ops.UpToDate() && v.claims.Equal(v.written)
}

// summary of what is to be done, for the log.
func (v *view[M]) summary() string {
	var out []string
	add := func(verb string, ids []string) {
		if len(ids) > 0 {
			out = append(out, verb+" "+strings.Join(ids, ", "))
		}
	}
	add("add", v.ops.Add)
	add("update", v.ops.Update)
	add("remove", v.ops.Remove)
	for _, p := range v.ops.Previous {
		add("at "+p.Context.String()+" remove", p.Remove)
	}
	if v.is != topology.Mine {
		add("take over from", []string{v.rec.Owner})
	}
	return strings.Join(out, "; ")
}
