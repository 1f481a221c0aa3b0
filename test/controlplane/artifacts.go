package controlplane

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// Artifacts writes the logs of all programs to .cache/artifacts/<name>/log, and
// the objects and events of a namespace, unless it is empty, to
// .cache/artifacts/<name>/<namespace>, and returns .cache/artifacts/<name>. It
// writes what it can; the error joins what it could not.
func (c *ControlPlane) Artifacts(ctx context.Context, name, namespace string) (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}

	dir := filepath.Join(root, artifacts, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Join(dir, "log"), 0o750); err != nil {
		return "", errors.Wrap(err, "cannot make folder")
	}

	errs := []error{c.copyLogs(filepath.Join(dir, "log"))}
	if namespace != "" {
		// A test may have several.
		errs = append(errs, Snapshot(ctx, c.admin, filepath.Join(dir, namespace), namespace))
	}

	return dir, errors.Join(errs...)
}

// A snapshot is written of one namespace into one folder.
type snapshot struct {
	admin          *rest.Config
	client         client.Client
	dir, namespace string
}

// Snapshot writes the objects and events of a namespace, as an administrator
// sees them, to a folder. It writes what it can; the error joins what it could
// not.
func Snapshot(ctx context.Context, admin *rest.Config, dir, namespace string) error {
	scheme, err := Scheme()
	if err != nil {
		return err
	}

	k, err := client.New(admin, client.Options{Scheme: scheme})
	if err != nil {
		return errors.Wrap(err, "cannot make client")
	}

	if err := os.MkdirAll(dir, 0o750); err != nil {
		return errors.Wrap(err, "cannot make folder")
	}

	s := snapshot{admin: admin, client: k, dir: dir, namespace: namespace}

	return errors.Join(s.writeEvents(ctx), s.writeObjects(ctx))
}

func (c *ControlPlane) copyLogs(dir string) error {
	logs, err := filepath.Glob(c.file("log/*"))
	if err != nil {
		return errors.Wrap(err, "cannot list logs")
	}

	var errs []error

	for _, log := range logs {
		b, err := os.ReadFile(filepath.Clean(log))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(log)), b, 0o600)
		}

		errs = append(errs, errors.Wrap(err, "cannot copy log"))
	}

	return errors.Join(errs...)
}

// writeEvents writes the events in the order in which they happened.
func (s snapshot) writeEvents(ctx context.Context) error {
	list := &corev1.EventList{}
	if err := s.client.List(ctx, list, client.InNamespace(s.namespace)); err != nil {
		return errors.Wrap(err, "cannot list events")
	}

	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int {
		return cmp.Or(a.LastTimestamp.Compare(b.LastTimestamp.Time), cmp.Compare(a.GetResourceVersion(), b.GetResourceVersion()))
	})

	b := &strings.Builder{}
	for _, e := range list.Items {
		fmt.Fprintf(b, "%s %dx %s %s/%s %s: %s\n", e.LastTimestamp.UTC().Format("15:04:05"), e.Count, e.Type, e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Reason, e.Message)
	}

	return errors.Wrap(os.WriteFile(filepath.Join(s.dir, "events.txt"), []byte(b.String()), 0o600), "cannot write events")
}

// writeObjects writes one file for each kind of which there are objects.
func (s snapshot) writeObjects(ctx context.Context) error {
	kinds, err := s.namespacedKinds()
	errs := []error{err}

	for _, gvk := range kinds {
		errs = append(errs, s.writeKind(ctx, gvk))
	}

	return errors.Join(errs...)
}

func (s snapshot) writeKind(ctx context.Context, gvk schema.GroupVersionKind) error {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(gvk)

	if err := s.client.List(ctx, list, client.InNamespace(s.namespace)); err != nil {
		return errors.Wrapf(err, "cannot list %s", gvk.Kind)
	}

	if len(list.Items) == 0 {
		return nil
	}

	b := &strings.Builder{}

	for i := range list.Items {
		y, err := yaml.Marshal(list.Items[i].Object)
		if err != nil {
			return errors.Wrapf(err, "cannot encode %s", gvk.Kind)
		}

		b.WriteString("---\n" + string(y))
	}

	file := strings.ToLower(strings.TrimSuffix(gvk.Kind+"."+gvk.Group, ".")) + ".yaml"

	return errors.Wrapf(os.WriteFile(filepath.Join(s.dir, file), []byte(b.String()), 0o600), "cannot write %s", gvk.Kind)
}

// namespacedKinds returns the kinds that can be listed in a namespace, except events.
func (s snapshot) namespacedKinds() ([]schema.GroupVersionKind, error) {
	api, err := discovery.NewDiscoveryClientForConfig(s.admin)
	if err != nil {
		return nil, errors.Wrap(err, "cannot make client")
	}

	// It returns what it found together with the error of what it did not.
	lists, err := api.ServerPreferredNamespacedResources()

	var kinds []schema.GroupVersionKind

	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			return nil, errors.Wrap(err, "cannot read kinds")
		}

		for _, r := range listable(l.APIResources) {
			kinds = append(kinds, gv.WithKind(r.Kind))
		}
	}

	return kinds, errors.Wrap(err, "cannot find all kinds")
}

func listable(all []metav1.APIResource) []metav1.APIResource {
	return slices.DeleteFunc(slices.Clone(all), func(r metav1.APIResource) bool {
		return !slices.Contains(r.Verbs, "list") || r.Kind == "Event"
	})
}
