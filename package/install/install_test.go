// Package install_test holds the install manifest against what it installs.
package install_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pkgmetav1 "github.com/crossplane/crossplane/apis/v2/pkg/meta/v1"
	pkgv1 "github.com/crossplane/crossplane/apis/v2/pkg/v1"
	pkgv1beta1 "github.com/crossplane/crossplane/apis/v2/pkg/v1beta1"
	protectionv1beta1 "github.com/crossplane/crossplane/apis/v2/protection/v1beta1"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/fn"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// namespace is where Crossplane's chart installs it.
const namespace = "crossplane-system"

// An install is the manifest, decoded.
type install struct {
	roles          map[string]*rbacv1.ClusterRole
	bindings       map[string]*rbacv1.ClusterRoleBinding
	runtimes       map[string]*pkgv1beta1.DeploymentRuntimeConfig
	functions      map[string]*pkgv1.Function
	providers      map[string]*pkgv1.Provider
	configurations map[string]*pkgv1.Configuration
	usages         map[string]*protectionv1beta1.ClusterUsage
}

// read decodes the manifest; a field that its kind does not have is an error.
func read(t *testing.T) *install {
	t.Helper()
	us, err := manifest.ReadFile("install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	in := &install{
		roles: map[string]*rbacv1.ClusterRole{}, bindings: map[string]*rbacv1.ClusterRoleBinding{},
		runtimes: map[string]*pkgv1beta1.DeploymentRuntimeConfig{}, functions: map[string]*pkgv1.Function{},
		providers: map[string]*pkgv1.Provider{}, configurations: map[string]*pkgv1.Configuration{},
		usages: map[string]*protectionv1beta1.ClusterUsage{},
	}
	for _, u := range us {
		switch u.GetKind() {
		case "ClusterRole":
			into(t, u, in.roles)
		case "ClusterRoleBinding":
			into(t, u, in.bindings)
		case pkgv1beta1.DeploymentRuntimeConfigKind:
			into(t, u, in.runtimes)
		case pkgv1.FunctionKind:
			into(t, u, in.functions)
		case pkgv1.ProviderKind:
			into(t, u, in.providers)
		case pkgv1.ConfigurationKind:
			into(t, u, in.configurations)
		case "ClusterUsage":
			into(t, u, in.usages)
		default:
			t.Errorf("%s %q: nothing here checks this kind", u.GetKind(), u.GetName())
		}
	}
	return in
}

// into decodes an object strictly and files it under its name.
func into[T any](t *testing.T, u *unstructured.Unstructured, m map[string]*T) {
	t.Helper()
	b, err := yaml.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	o := new(T)
	if err := yaml.UnmarshalStrict(b, o); err != nil {
		t.Errorf("cannot decode %s %q: %v", u.GetKind(), u.GetName(), err)
	}
	if m[u.GetName()] != nil {
		t.Errorf("%s %q is there twice", u.GetKind(), u.GetName())
	}
	m[u.GetName()] = o
}

// only returns the one object of a kind, by the name that it must have.
func only[T any](t *testing.T, m map[string]*T, name string) *T {
	t.Helper()
	if diff := cmp.Diff([]string{name}, slices.Collect(maps.Keys(m))); diff != "" {
		t.Fatalf("names: -want, +got:\n%s", diff)
	}
	return m[name]
}

// file decodes a file of one object strictly.
func file[T any](t *testing.T, path string) *T {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o := new(T)
	if err := yaml.UnmarshalStrict(b, o); err != nil {
		t.Fatal(err)
	}
	return o
}

// makeVariable returns the default of a variable of the Makefile.
func makeVariable(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(l, "?="); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	t.Fatalf("the Makefile has no variable %s", name)
	return ""
}

// TestPackages proves that the manifest installs what the Configuration depends on, under the names that Crossplane would give
// them, which the Compositions use.
func TestPackages(t *testing.T) {
	in := read(t)
	registry, version := makeVariable(t, "REGISTRY"), makeVariable(t, "VERSION")
	path := strings.ReplaceAll(registry[strings.Index(registry, "/")+1:], "/", "-")
	function := only(t, in.functions, path+"-function-multigres")
	provider := only(t, in.providers, path+"-provider-multigres")
	configuration := only(t, in.configurations, "configuration-multigres")
	got := []string{function.Spec.Package, provider.Spec.Package, configuration.Spec.Package}
	var want []string
	for _, n := range []string{"function", "provider", "configuration"} {
		want = append(want, registry+"/"+n+"-multigres:"+version)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packages: -want, +got:\n%s", diff)
	}
	var dependencies []string
	for _, d := range file[pkgmetav1.Configuration](t, "../../crossplane.yaml").Spec.DependsOn {
		dependencies = append(dependencies, ptr.Deref(d.Package, "")+":"+version)
	}
	if diff := cmp.Diff(want[:2], dependencies); diff != "" {
		t.Errorf("dependencies of the Configuration: -want, +got:\n%s", diff)
	}
	compositions, err := filepath.Glob("../configuration/composition-*.yaml")
	if err != nil || len(compositions) == 0 {
		t.Fatalf("there are no Compositions: %v", err)
	}
	for _, c := range compositions {
		b, err := os.ReadFile(c)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), "name: "+function.Name+"\n") {
			t.Errorf("%s does not call Function %q", c, function.Name)
		}
	}
	if diff := cmp.Diff([]string{"function-multigres", "provider-multigres"}, []string{function.Spec.RuntimeConfigReference.Name, provider.Spec.RuntimeConfigReference.Name}); diff != "" {
		t.Errorf("runtime configurations: -want, +got:\n%s", diff)
	}
}

// TestUsages proves that no package can be deleted by accident.
func TestUsages(t *testing.T) {
	in := read(t)
	want, got := map[string]bool{}, map[string]bool{}
	for n := range in.functions {
		want["Function/"+n] = true
	}
	for n := range in.providers {
		want["Provider/"+n] = true
	}
	for n := range in.configurations {
		want["Configuration/"+n] = true
	}
	for _, u := range in.usages {
		if u.Spec.Of.APIVersion != pkgv1.SchemeGroupVersion.String() || ptr.Deref(u.Spec.Reason, "") == "" {
			t.Errorf("ClusterUsage %q: want a reason and apiVersion %s, got %+v", u.Name, pkgv1.SchemeGroupVersion, u.Spec)
		}
		got[u.Spec.Of.Kind+"/"+u.Spec.Of.ResourceRef.Name] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("protected packages: -want, +got:\n%s", diff)
	}
}

// TestRuntimes proves that both programs run under a ServiceAccount of their own, within the Pod Security Standard "restricted",
// twice, with probes and with bounded memory.
func TestRuntimes(t *testing.T) {
	in := read(t)
	if len(in.runtimes) != 2 {
		t.Errorf("want 2 runtime configurations, got %d", len(in.runtimes))
	}
	for name, rc := range in.runtimes {
		if got := ptr.Deref(rc.Spec.ServiceAccountTemplate.Metadata.Name, ""); got != name {
			t.Errorf("%s: want a ServiceAccount of that name, got %q", name, got)
		}
		d := rc.Spec.DeploymentTemplate.Spec
		if got := ptr.Deref(d.Replicas, 0); got != 2 {
			t.Errorf("%s: want 2 replicas, got %d", name, got)
		}
		pod := d.Template.Spec
		if len(pod.Containers) != 1 || pod.Containers[0].Name != "package-runtime" {
			t.Fatalf("%s: want just the container that Crossplane runs a package in, got %d", name, len(pod.Containers))
		}
		c := pod.Containers[0]
		security := []any{pod.SecurityContext, c.SecurityContext, pod.HostNetwork, pod.HostPID, pod.HostIPC, len(pod.Volumes)}
		want := []any{
			&corev1.PodSecurityContext{
				RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](65532), RunAsGroup: ptr.To[int64](65532),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			&corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false), Privileged: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true), RunAsNonRoot: ptr.To(true),
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
			false, false, false, 0,
		}
		if diff := cmp.Diff(want, security); diff != "" {
			t.Errorf("%s: security: -want, +got:\n%s", name, diff)
		}
		// Crossplane adds the port of functions.
		ports := map[string]bool{"grpc": true}
		for _, p := range c.Ports {
			ports[p.Name] = true
		}
		for what, p := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
			if got := probed(p); !ports[got] {
				t.Errorf("%s: want a %s probe of a port that the container has, got %q", name, what, got)
			}
		}
		if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s: want requests, and a limit of memory", name)
		}
	}
	if got := in.runtimes["function-multigres"].Spec.DeploymentTemplate.Spec.Template.Spec.AutomountServiceAccountToken; ptr.Deref(got, true) {
		t.Error("the function must get no token")
	}
	binding := only(t, in.bindings, "multigres:provider")
	want := &rbacv1.ClusterRoleBinding{
		TypeMeta: binding.TypeMeta, ObjectMeta: binding.ObjectMeta,
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "multigres:provider"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "provider-multigres", Namespace: namespace}},
	}
	if diff := cmp.Diff(want, binding); diff != "" {
		t.Errorf("binding: -want, +got:\n%s", diff)
	}
	if in.roles[binding.RoleRef.Name] == nil {
		t.Errorf("there is no ClusterRole %q", binding.RoleRef.Name)
	}
}

// probed returns the name of the port that a probe asks.
func probed(p *corev1.Probe) string {
	switch {
	case p == nil:
		return ""
	case p.HTTPGet != nil:
		return p.HTTPGet.Port.String()
	case p.TCPSocket != nil:
		return p.TCPSocket.Port.String()
	}
	return ""
}

// A recorder notes what a function asks for.
type recorder struct {
	render.Function

	required map[schema.GroupVersionKind]bool
}

// RunFunction calls the function.
func (r *recorder) RunFunction(ctx context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	rsp, err := r.Function.RunFunction(ctx, req)
	for _, s := range rsp.GetRequirements().GetResources() {
		r.required[schema.FromAPIVersionAndKind(s.GetApiVersion(), s.GetKind())] = true
	}
	return rsp, err
}

// TestCrossplaneRole proves that Crossplane may do with each kind that any example composes, or requires, just what it does: a
// right that is missing stops a composite without a word, and one too many is a right that nothing needs. Crossplane's RBAC
// manager grants it our composites and managed resources.
func TestCrossplaneRole(t *testing.T) {
	all := []string{"get", "list", "watch", "create", "update", "patch", "delete"}
	view := []string{"get", "list", "watch"}
	// Not composed, but asked for by Crossplane's own check of its rights.
	want := map[string][]string{"/pods/status": all}
	composites := map[schema.GroupVersionKind]bool{}
	r := &recorder{Function: fn.New(), required: map[schema.GroupVersionKind]bool{}}

	roots, err := filepath.Glob("../../examples/*/xr.yaml")
	if err != nil || len(roots) == 0 {
		t.Fatalf("there are no examples: %v", err)
	}
	for _, root := range roots {
		dir := filepath.Dir(root)
		if filepath.Base(dir) == "invalid" {
			continue
		}
		tree, err := render.Render(t.Context(), r, objects(t, root)[0], render.Options{
			Others:   append(objects(t, filepath.Join(dir, "templates.yaml")), objects(t, filepath.Join(dir, "required.yaml"))...),
			Observed: objects(t, filepath.Join(dir, "observed.yaml")), UntilReady: true,
		})
		if err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		tree.Walk(func(n *render.Node, _ int) {
			gvk := n.Object.GroupVersionKind()
			composites[gvk] = composites[gvk] || n.Composite
			if gvk.Group != v1alpha1.Group && gvk.Group != mv1alpha1.Group {
				want[resource(gvk)] = all
			}
		})
	}
	for gvk := range r.required {
		if gvk.Group == mv1alpha1.Group || composites[gvk] || want[resource(gvk)] != nil {
			continue
		}
		want[resource(gvk)] = view
	}

	got := map[string][]string{}
	role := read(t).roles["multigres:aggregate-to-crossplane"]
	if role.Labels["rbac.crossplane.io/aggregate-to-crossplane"] != "true" {
		t.Error("the role does not reach Crossplane")
	}
	for _, rule := range role.Rules {
		for _, g := range rule.APIGroups {
			for _, res := range rule.Resources {
				got[g+"/"+res] = rule.Verbs
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-needed, +granted:\n%s", diff)
	}
}

// resource returns a kind's group and plural.
func resource(gvk schema.GroupVersionKind) string {
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	return gvk.Group + "/" + plural.Resource
}

// objects reads the objects of a file that need not exist.
func objects(t *testing.T, path string) []*unstructured.Unstructured {
	t.Helper()
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil
	}
	us, err := manifest.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return us
}
