package controller

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/controller"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/gate"
	"github.com/crossplane/crossplane-runtime/v2/pkg/logging"
	"github.com/crossplane/crossplane-runtime/v2/pkg/ratelimiter"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/metrics"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/placement"
)

var kinds = []schema.GroupVersionKind{
	v1alpha1.CellRecordGroupVersionKind, v1alpha1.ClusterProviderConfigGroupVersionKind, v1alpha1.DatabaseRecordGroupVersionKind,
	v1alpha1.PasswordGroupVersionKind, v1alpha1.ProviderConfigGroupVersionKind, v1alpha1.ShardRecordGroupVersionKind,
	v1alpha1.TLSCertificateGroupVersionKind, v1alpha1.VolumeClaimGroupVersionKind,
}

// discovery answers which kinds there are, which is all that a manager asks before it starts.
func discovery(w http.ResponseWriter, r *http.Request) {
	resources := func(gv string, kinds ...string) metav1.APIResourceList {
		out := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gv}
		for _, k := range kinds {
			out.APIResources = append(out.APIResources, metav1.APIResource{Name: strings.ToLower(k) + "s", Kind: k, Namespaced: true})
		}
		return out
	}
	v := metav1.GroupVersionForDiscovery{GroupVersion: v1alpha1.SchemeGroupVersion.String(), Version: v1alpha1.Version}
	answers := map[string]any{
		"/api": metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}},
		"/apis": metav1.APIGroupList{
			TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"},
			Groups:   []metav1.APIGroup{{Name: v1alpha1.Group, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v}},
		},
		"/api/v1": resources("v1", "Pod", "Secret", "PersistentVolumeClaim"),
		"/apis/" + v.GroupVersion: resources(v.GroupVersion, "Password", "TLSCertificate", "VolumeClaim", "ShardRecord", "ProviderConfig", "ClusterProviderConfig",
			"ProviderConfigUsage", "CellRecord", "DatabaseRecord"),
	}
	a, ok := answers[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a)
}

// A fakeGate keeps what waits for it.
type fakeGate struct {
	controller.Gate

	waiting map[schema.GroupVersionKind]func()
}

func (g *fakeGate) Register(callback func(), gvks ...schema.GroupVersionKind) {
	g.waiting[gvks[0]] = callback
}

// A fakeLogger keeps what is said loudly.
type fakeLogger struct {
	logging.Logger

	mu   sync.Mutex
	said []string
}

func (l *fakeLogger) WithValues(...any) logging.Logger { return l }

func (l *fakeLogger) Info(msg string, kv ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range kv {
		if err, ok := v.(error); ok {
			msg += ": " + err.Error()
		}
	}
	l.said = append(l.said, msg)
}

func newManager(t *testing.T) ctrl.Manager {
	t.Helper()
	s := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(s), storagev1.AddToScheme(s), v1alpha1.AddToScheme(s)); err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(http.HandlerFunc(discovery))
	t.Cleanup(api.Close)
	mgr, err := ctrl.NewManager(&rest.Config{Host: api.URL}, ctrl.Options{
		Scheme: s, Metrics: server.Options{BindAddress: "0"},
		// Controllers of an earlier run of this test had the same names.
		Controller: config.Controller{SkipNameValidation: ptr.To(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return mgr
}

func TestSetupGated(t *testing.T) {
	g, log := &fakeGate{Gate: new(gate.Gate[schema.GroupVersionKind]), waiting: map[schema.GroupVersionKind]func(){}}, &fakeLogger{Logger: logging.NewNopLogger()}
	o := setup.Options{
		Options: controller.DefaultOptions(), Placement: placement.Default(), Lease: placement.NewFakeLease(), Metrics: metrics.New(),
	}
	o.Logger, o.Gate, o.GlobalRateLimiter = log, g, ratelimiter.NewGlobal(1)
	if err := SetupGated(newManager(t), o); err != nil {
		t.Fatal(err)
	}
	var got []schema.GroupVersionKind
	for _, k := range kinds {
		if _, ok := g.waiting[k]; ok {
			got = append(got, k)
		}
	}
	if diff := cmp.Diff(kinds, got); diff != "" {
		t.Fatalf("SetupGated(): every controller should wait for its kind: -want, +got:\n%s", diff)
	}
	if len(g.waiting) != len(kinds) {
		t.Fatalf("SetupGated(): want %d controllers, got %d", len(kinds), len(g.waiting))
	}
	for _, k := range kinds {
		g.waiting[k]()
	}
	for _, s := range log.said {
		if !strings.HasPrefix(s, "Controller is set up") {
			t.Errorf("SetupGated(): every controller should start when its kind is there, got %v", s)
		}
	}
	// Those of configurations are no controllers of managed resources.
	if want := len(kinds) - 2; len(log.said) != want {
		t.Errorf("SetupGated(): want %d controllers that describe themselves, got %v", want, log.said)
	}
	// An index can be added only once, so that a second time fails.
	g.waiting[kinds[0]]()
	if !slices.ContainsFunc(log.said, func(s string) bool { return strings.HasPrefix(s, "Cannot set up controller") }) {
		t.Errorf("SetupGated(): a controller that cannot start should say so, got %v", log.said)
	}
}
