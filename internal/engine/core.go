package engine

import (
	"bytes"
	"context"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	renderv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/internal/engine/render/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

// exitFatal is the exit code of "internal render" that says: the function
// returned a fatal result, and what is known is on stdout all the same.
const exitFatal = 3

// fatalMarker precedes a fatal result's message in both programs' errors.
const fatalMarker = "returned a fatal result: "

// errorPrefix is what both programs print before an error.
const errorPrefix = "crossplane: error: "

// Core is the server program of a Crossplane release, used for the reconciler
// in it. It checks nothing against a schema and emulates no API server.
type Core struct {
	// Path of the program.
	Path string
}

// Render runs the composite resource reconciler once. A fatal result of the
// function is not an error but Output.Fatal. Errors are for inputs that the
// engine refuses and for a program that fails.
func (c Core) Render(ctx context.Context, in Input) (Output, error) {
	req, err := request(in)
	if err != nil {
		return Output{}, err
	}

	stdin, err := proto.Marshal(req)
	if err != nil {
		return Output{}, errors.Wrap(err, "cannot encode render request")
	}

	stdout, stderr := &bytes.Buffer{}, &bytes.Buffer{}
	cmd := exec.CommandContext(ctx, c.Path, "internal", "render")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), stdout, stderr

	fatal := ""

	if err := cmd.Run(); err != nil {
		exit := &exec.ExitError{}
		if !errors.As(err, &exit) || exit.ExitCode() != exitFatal {
			return Output{}, errors.Wrapf(err, "cannot render: %s", tidy(stderr.String()))
		}

		fatal = fatalMessage(stderr.String())
	}

	rsp := &renderv1alpha1.RenderResponse{}
	if err := proto.Unmarshal(stdout.Bytes(), rsp); err != nil {
		return Output{}, errors.Wrap(err, "cannot decode render response")
	}

	out, err := output(rsp.GetComposite())
	out.Fatal = fatal

	return stable(out), err
}

// request encodes an input as the engine reads it.
func request(in Input) (*renderv1alpha1.RenderRequest, error) {
	ci := &renderv1alpha1.CompositeInput{}

	// In order of name, so that equal inputs are equal bytes.
	for _, name := range slices.Sorted(maps.Keys(in.Functions)) {
		ci.Functions = append(ci.Functions, &renderv1alpha1.FunctionInput{Name: name, Address: in.Functions[name]})
	}

	var err error
	if ci.CompositeResource, err = manifest.ToStruct(in.Composite); err != nil {
		return nil, err
	}

	if ci.Composition, err = manifest.ToStruct(in.Composition); err != nil {
		return nil, err
	}

	if ci.CompositeResourceDefinition, err = manifest.ToStruct(in.Definition); err != nil {
		return nil, err
	}

	if ci.ObservedResources, err = toStructs(in.Observed); err != nil {
		return nil, err
	}

	if ci.RequiredResources, err = toStructs(in.Required); err != nil {
		return nil, err
	}

	return &renderv1alpha1.RenderRequest{Input: &renderv1alpha1.RenderRequest_Composite{Composite: ci}}, nil
}

// output decodes the engine's answer.
func output(co *renderv1alpha1.CompositeOutput) (Output, error) {
	out := Output{}

	var err error
	if out.Composite, err = manifest.FromStruct(co.GetCompositeResource()); err != nil {
		return out, err
	}

	if out.Composed, err = fromStructs(co.GetComposedResources()); err != nil {
		return out, err
	}

	if out.Deleted, err = fromStructs(co.GetDeletedResources()); err != nil {
		return out, err
	}

	for _, e := range co.GetEvents() {
		out.Events = append(out.Events, Event{Type: e.GetType(), Reason: e.GetReason(), Message: e.GetMessage()})
	}

	for _, s := range co.GetRequiredResources() {
		bs, err := s.MarshalJSON()
		if err != nil {
			return out, errors.Wrap(err, "cannot encode required resource")
		}

		rs := &fnv1.ResourceSelector{}
		if err := protojson.Unmarshal(bs, rs); err != nil {
			return out, errors.Wrap(err, "cannot decode required resource")
		}

		out.Requirements = append(out.Requirements, rs)
	}

	return out, nil
}

// fatalMessage cuts the function's own message out of a program's error. It is
// the whole error where the marker is missing.
func fatalMessage(stderr string) string {
	msg := tidy(stderr)
	if _, after, ok := strings.Cut(msg, fatalMarker); ok {
		return after
	}

	return msg
}

// tidy removes what a program prints around its error: the prefix, and on
// further lines as many spaces.
func tidy(stderr string) string {
	stderr = strings.ReplaceAll(stderr, "\n"+strings.Repeat(" ", len(errorPrefix)), "\n")

	return strings.TrimPrefix(strings.TrimSpace(stderr), errorPrefix)
}
