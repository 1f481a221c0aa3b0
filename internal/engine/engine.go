package engine

import (
	"context"
	"os"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Environment variables that hold the paths of the programs. `make render`
// exports all of them.
const (
	// EnvCore is the path of Crossplane's server program, the one that has the
	// "internal render" command.
	EnvCore = "CROSSPLANE_CORE"

	// EnvCLI is the path of the Crossplane CLI.
	EnvCLI = "CROSSPLANE_CLI"

	// EnvSchemas is the CLI's cache folder of downloaded schemas. It must
	// already hold the CRDs of Crossplane itself, because "beta validate"
	// otherwise fetches them from a registry.
	EnvSchemas = "CROSSPLANE_SCHEMAS"

	// EnvFunction is the path of the composition function under test.
	EnvFunction = "FUNCTION_BIN"
)

// ErrNotBuilt means that a program's path is not in the environment.
var ErrNotBuilt = errors.New("environment variable is not set, run `make render`")

// Programs are the programs that the environment names.
type Programs struct {
	// Core composes as a control plane does.
	Core Core

	// CLI composes and validates as a user does.
	CLI CLI

	// Function is the path of the composition function, for StartFunction.
	Function string
}

// FromEnv reads the programs' paths from the environment. A path that is
// missing is an error that wraps ErrNotBuilt: a test that cannot run must fail.
func FromEnv() (Programs, error) {
	paths := make(map[string]string, 4)

	for _, k := range []string{EnvCore, EnvCLI, EnvSchemas, EnvFunction} {
		v := os.Getenv(k)
		if v == "" {
			return Programs{}, errors.Wrap(ErrNotBuilt, k)
		}

		paths[k] = v
	}

	return Programs{
		Core:     Core{Path: paths[EnvCore]},
		CLI:      CLI{Path: paths[EnvCLI], Schemas: paths[EnvSchemas]},
		Function: paths[EnvFunction],
	}, nil
}

// Input is one composite resource with everything that composing it reads.
type Input struct {
	// Composite is the composite resource (XR). If it has no UID the engine
	// gives it one that depends only on its kind, namespace and name.
	Composite *unstructured.Unstructured

	// Composition is the Composition to use. It must be of mode Pipeline.
	Composition *unstructured.Unstructured

	// Definition is the XR's CompositeResourceDefinition. Only a legacy
	// (claimable) kind needs it: the core takes the shape of the XR's machinery
	// fields from it. The CLI also takes the XR's defaults from it.
	Definition *unstructured.Unstructured

	// Functions maps the names that the Composition's steps refer to onto
	// addresses, host:port, of functions that listen without TLS.
	Functions map[string]string

	// Observed are the composed resources that exist. Each needs the annotation
	// crossplane.io/composition-resource-name. The core deletes one that is no
	// longer desired only if its controller reference names the XR's UID.
	Observed []*unstructured.Unstructured

	// Required are the other resources in the cluster, from which the function's
	// requirements are answered.
	Required []*unstructured.Unstructured
}

// Output is what composing a composite resource came to.
type Output struct {
	// Composite is the XR with its new status, its conditions ordered by type
	// and with a fixed time of transition. The CLI returns no spec, and no
	// conditions of the reconciler itself but Ready.
	Composite *unstructured.Unstructured

	// Composed are the resources that would be applied, as applied: with the
	// owner references, labels and names that Crossplane adds. Ordered by the
	// annotation crossplane.io/composition-resource-name.
	Composed []*unstructured.Unstructured

	// Deleted are the observed resources that would be deleted, ordered likewise.
	// Only the core reports them.
	Deleted []*unstructured.Unstructured

	// Events are the results of the function, and from the core also the events
	// of its reconciler.
	Events []Event

	// Requirements are the selectors of the resources that the function asked
	// for. Only the core reports them.
	Requirements []*fnv1.ResourceSelector

	// Fatal is the message of the fatal result that ended the pipeline, or
	// empty. The core still fills in Events and Requirements then; nothing is
	// composed.
	Fatal string
}

// Event is one Kubernetes event, or one function result.
type Event struct {
	// Type is Normal or Warning.
	Type string

	// Reason is the event's machine-readable reason. The CLI has none.
	Reason string

	// Message is the text a person reads.
	Message string
}

// Renderer composes one composite resource once.
type Renderer interface {
	Render(ctx context.Context, in Input) (Output, error)
}

var (
	_ Renderer = Core{}
	_ Renderer = CLI{}
)
