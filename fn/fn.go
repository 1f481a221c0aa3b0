// Package fn is the composition function's shell: it turns a gRPC request into the input of a pure composer, and the composer's
// output into a response.
package fn

import (
	"context"
	"maps"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/logging"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/cluster"
)

// Default times to live of a response. Crossplane calls the function again when they have passed, even where it dropped the
// watch event that should have made it do so.
const (
	// DefaultTTLInProgress applies while something is expected to change soon.
	DefaultTTLInProgress = 12 * time.Second
	// DefaultTTLAtRest applies when nothing is. Every call costs one server-side apply per composed resource, so it is long.
	DefaultTTLAtRest = 10 * time.Minute
)

const (
	conditionReady = "Ready"

	// conditionResponsive is False while Crossplane drops watch events of a composite.
	conditionResponsive = "Responsive"

	// DefaultSettling is for how long it then does, unless Crossplane is told otherwise (--circuit-breaker-cooldown).
	DefaultSettling = 5 * time.Minute
)

// A Function composes our composite resources.
type Function struct {
	fnv1.UnimplementedFunctionRunnerServiceServer

	composers  map[schema.GroupKind]compose.Composer
	log        logging.Logger
	now        func() time.Time
	inProgress time.Duration
	atRest     time.Duration
	settling   time.Duration
}

// An Option changes how a Function works.
type Option func(*Function)

// WithLogger sets the logger. By default nothing is logged.
func WithLogger(l logging.Logger) Option { return func(f *Function) { f.log = l } }

// WithTTL sets the time to live of responses while something is in progress, and at rest.
func WithTTL(inProgress, atRest time.Duration) Option {
	return func(f *Function) { f.inProgress, f.atRest = inProgress, atRest }
}

// WithSettling sets for how long a composite must have been ready before it is taken to be at rest: as long as Crossplane drops
// watch events of one that had too many.
func WithSettling(d time.Duration) Option { return func(f *Function) { f.settling = d } }

// WithImageUpdateStrategy sets when clusters that say nothing about it adopt the images of a new version of the function:
// "immediate", which is the default, or "lazy".
func WithImageUpdateStrategy(s string) Option {
	return func(f *Function) {
		f.composers = maps.Clone(f.composers)
		f.composers[kind(v1alpha1.MultigresClusterKind)] = cluster.WithUpdateStrategy(v1alpha1.ImageUpdateStrategy(s))
	}
}

// WithClock sets the clock. By default it is the system's.
func WithClock(now func() time.Time) Option { return func(f *Function) { f.now = now } }

// At stops the clock at a time. The zero time leaves it as it is.
func At(t time.Time) Option {
	return func(f *Function) {
		if !t.IsZero() {
			f.now = func() time.Time { return t }
		}
	}
}

// New returns a Function for all our composite resources.
func New(o ...Option) *Function {
	f := &Function{
		composers:  composers,
		log:        logging.NewNopLogger(),
		now:        time.Now,
		inProgress: DefaultTTLInProgress,
		atRest:     DefaultTTLAtRest,
		settling:   DefaultSettling,
	}
	for _, fn := range o {
		fn(f)
	}
	return f
}

// RunFunction composes one composite resource. The returned error is always nil: whatever is wrong becomes a fatal result, on
// which Crossplane changes nothing.
func (f *Function) RunFunction(_ context.Context, req *fnv1.RunFunctionRequest) (rsp *fnv1.RunFunctionResponse, _ error) {
	defer func() {
		// A programming error must neither take the process down nor pass as an empty desired state.
		if r := recover(); r != nil {
			f.log.Info("Recovered from a panic", "panic", r)
			rsp = fatal(req, errors.Errorf("internal error: %v", r))
		}
	}()
	return f.run(req), nil
}

// settled is true if the composite has been as ready as it is for so long, and says nothing to the contrary, that Crossplane misses
// none of its watch events. Until then it may: making a cluster takes so many that the composite's circuit breaker opens, often
// with the very last of them, and then a change of its spec would wait for the time to live.
//
// Crossplane closes the circuit with the next event after the cooldown, so that at rest, when there is none, it says for ever that
// it is open: what it said longer ago than the cooldown means nothing.
func settled(in compose.Input, settling time.Duration) bool {
	long := func(since time.Time) bool { return in.Now.Sub(since) >= settling }
	if c, ok := in.XR.Condition(conditionResponsive); ok && c.Status == string(metav1.ConditionFalse) && !long(c.Changed) {
		return false
	}
	ready, ok := in.XR.Condition(conditionReady)
	return ok && long(ready.Changed)
}

func (f *Function) run(req *fnv1.RunFunctionRequest) *fnv1.RunFunctionResponse {
	in := decode(req)
	in.Now = f.now()
	log := f.log.WithValues("kind", in.XR.Kind(), "namespace", in.XR.Namespace(), "name", in.XR.Name(), "tag", req.GetMeta().GetTag())

	c, ok := f.composers[in.XR.GroupKind()]
	if !ok {
		return fatal(req, errors.Errorf("cannot compose a %s: this function does not know the kind", in.XR.GroupKind()))
	}
	out, err := c(in)
	if err != nil {
		log.Debug("Cannot compose", "error", err)
		return fatal(req, err)
	}
	if in.Unanswered(out.Requirements) && !canRequire(req) {
		return fatal(req, errors.New("cannot get required resources: this Crossplane does not offer them"))
	}
	rsp, err := encode(req, out)
	if err != nil {
		return fatal(req, err)
	}
	ttl := f.atRest
	if out.InProgress || !settled(in, f.settling) {
		ttl = f.inProgress
	}
	rsp.Meta.Ttl = durationpb.New(ttl)
	log.Debug("Composed", "observed", len(in.Observed), "desired", len(out.Resources), "ready", out.Ready, "ttl", ttl.String())
	return rsp
}

// canRequire is true unless Crossplane lists its capabilities and required resources are not among them.
func canRequire(req *fnv1.RunFunctionRequest) bool {
	lists := false
	for _, c := range req.GetMeta().GetCapabilities() {
		switch c { //nolint:exhaustive // The other capabilities do not matter here.
		case fnv1.Capability_CAPABILITY_REQUIRED_RESOURCES:
			return true
		case fnv1.Capability_CAPABILITY_CAPABILITIES:
			lists = true
		}
	}
	return !lists
}

// fatal returns a response on which Crossplane changes nothing: the desired state of the previous steps as it came, one fatal
// result, and the condition that says what is wrong.
func fatal(req *fnv1.RunFunctionRequest, err error) *fnv1.RunFunctionResponse {
	rsp := respond(req)
	rsp.Results = append(rsp.Results, &fnv1.Result{
		Severity: fnv1.Severity_SEVERITY_FATAL,
		Message:  err.Error(),
		Target:   target(req).Enum(),
	})
	var invalid *compose.InvalidError
	if errors.As(err, &invalid) {
		rsp.Conditions = append(rsp.Conditions, condition(compose.Condition{
			Type:    compose.TypeValid,
			Status:  metav1.ConditionFalse,
			Reason:  compose.ReasonSpecInvalid,
			Message: compose.Few(invalid.Problems),
		}, target(req)))
	}
	return rsp
}
