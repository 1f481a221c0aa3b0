package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/fn"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// renderCmd renders the trees of all composites in the given files. The files' other objects, such as templates, ConfigMaps and
// Secrets, are what the composites find in their namespace.
type renderCmd struct {
	Files      []string  `arg:"" help:"YAML files with one or more clusters or claims, templates, ConfigMaps, Secrets. A dash reads standard input." name:"FILE"`
	Observed   []string  `help:"YAML files with composed objects that exist already." placeholder:"FILE"`
	UntilReady bool      `help:"Play everything outside the function: whatever is applied becomes ready, until the tree is complete."`
	At         time.Time `help:"Render as at this time (RFC 3339) instead of now: when the observed objects were as they are. What waits for too long is told as stuck." placeholder:"TIME"`
	Output     string    `default:"yaml" enum:"yaml,tree,names" help:"What to print: yaml, tree or names." short:"o"`

	out io.Writer `kong:"-"`
}

// Run renders the trees. Invalid input is an error with everything that is wrong.
func (c *renderCmd) Run(ctx context.Context) error {
	var roots, others, observed []*unstructured.Unstructured
	for _, f := range c.Files {
		us, err := manifest.ReadFile(f)
		if err != nil {
			return err
		}
		for _, u := range us {
			if render.IsRoot(u) {
				roots = append(roots, u)
				continue
			}
			if u.GetNamespace() == "" {
				u.SetNamespace("default")
			}
			others = append(others, u)
		}
	}
	if len(roots) == 0 {
		return errors.New("cannot render: the files hold no composite resource of ours and no claim")
	}
	for _, f := range c.Observed {
		us, err := manifest.ReadFile(f)
		if err != nil {
			return err
		}
		observed = append(observed, us...)
	}
	// Nothing is printed unless all of it can be.
	trees := make([]*render.Node, 0, len(roots))
	var errs []error
	for _, root := range roots {
		tree, err := render.Render(ctx, fn.New(fn.At(c.At)), root, render.Options{Others: others, Observed: observed, UntilReady: c.UntilReady})
		trees, errs = append(trees, tree), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, tree := range trees {
		if err := c.print(tree); err != nil {
			return err
		}
	}
	return nil
}

func (c *renderCmd) print(tree *render.Node) error {
	w := c.out
	if w == nil {
		w = os.Stdout
	}
	switch c.Output {
	case "tree":
		return render.WriteTree(w, tree)
	case "names":
		return render.WriteNames(w, tree)
	default:
		return render.WriteYAML(w, tree)
	}
}
