package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/logging"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/placement"
)

func parse(t *testing.T, args ...string) (*cli, error) {
	t.Helper()
	c := &cli{}
	_, err := newParser(c).Parse(args)
	return c, err
}

func TestFlags(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "system")
	defaults := func(change func(*cli)) *cli {
		c := &cli{
			LogFormat: "json", LeaderElection: true, LeaderElectionNamespace: "system",
			LeaderElectionLease: 15 * time.Second, LeaderElectionRenew: 10 * time.Second, LeaderElectionRetry: 2 * time.Second,
			Poll: time.Minute, Sync: time.Hour, MaxReconcileRate: 100, Concurrency: 10, BackoffBase: time.Second, BackoffMax: time.Minute,
			MetricsAddress: ":8080", HealthAddress: ":8081", PprofAddress: "0", Shutdown: 30 * time.Second,
		}
		change(c)
		return c
	}
	type want struct {
		c   *cli
		err error
	}
	cases := map[string]struct {
		reason string
		args   []string
		want   want
	}{
		"None": {
			reason: "Leader election should be on and the profiler off.",
			want:   want{c: defaults(func(*cli) {})},
		},
		"Some": {
			reason: "Flags should change what they say.",
			args:   []string{"--debug", "--log-format=text", "--namespaces=a,b", "--no-leader-election", "--poll=5m", "--sync=2h", "--concurrency=3", "--max-reconcile-rate=7", "--backoff-base=2s", "--backoff-max=4s", "--pprof-address=:6060"},
			want: want{c: defaults(func(c *cli) {
				c.Namespaces = []string{"a", "b"}
				c.Debug, c.LogFormat, c.LeaderElection, c.Poll, c.Sync = true, "text", false, 5*time.Minute, 2*time.Hour
				c.Concurrency, c.MaxReconcileRate, c.BackoffBase, c.BackoffMax, c.PprofAddress = 3, 7, 2*time.Second, 4*time.Second, ":6060"
			})},
		},
		"BackoffBaseTooLong": {
			reason: "A first rest that is longer than the longest one should be refused.",
			args:   []string{"--backoff-base=2m"},
			want:   want{err: placement.ErrInvalid},
		},
		"BackoffBaseZero": {
			reason: "No rest at all should be refused.",
			args:   []string{"--backoff-base=0s"},
			want:   want{err: placement.ErrInvalid},
		},
		"RenewTooLong": {
			reason: "A leader that gives up later than others take over should be refused.",
			args:   []string{"--leader-election-renew=15s"},
			want:   want{err: placement.ErrInvalid},
		},
		"RetryTooLong": {
			reason: "A leader that never tries again should be refused.",
			args:   []string{"--leader-election-retry=10s"},
			want:   want{err: placement.ErrInvalid},
		},
		"UnknownFormat": {
			reason: "A format of logs that does not exist should be refused.",
			args:   []string{"--log-format=xml"},
			want:   want{err: cmpopts.AnyError},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, err := parse(t, tc.args...)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Fatalf("%s\nParse(): -want error, +got error:\n%s", tc.reason, diff)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tc.want.c, c); diff != "" {
				t.Errorf("%s\nParse(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestScheme(t *testing.T) {
	s, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	for _, gvk := range []schema.GroupVersionKind{
		v1alpha1.PasswordGroupVersionKind,
		v1alpha1.TLSCertificateGroupVersionKind,
		v1alpha1.VolumeClaimGroupVersionKind,
		corev1.SchemeGroupVersion.WithKind("Secret"),
		corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"),
		storagev1.SchemeGroupVersion.WithKind("StorageClass"),
		apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"),
	} {
		if !s.Recognizes(gvk) {
			t.Errorf("newScheme(): %s is missing", gvk)
		}
	}
}

// discovery answers what a manager asks before it starts.
func discovery(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/api":
		_, _ = w.Write([]byte(`{"kind":"APIVersions","versions":["v1"]}`))
	case "/apis":
		_, _ = w.Write([]byte(`{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"apiextensions.k8s.io","versions":[{"groupVersion":"apiextensions.k8s.io/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apiextensions.k8s.io/v1","version":"v1"}}]}`))
	case "/apis/apiextensions.k8s.io/v1":
		_, _ = w.Write([]byte(`{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apiextensions.k8s.io/v1","resources":[{"name":"customresourcedefinitions","kind":"CustomResourceDefinition","namespaced":false,"verbs":["get","list","watch"]}]}`))
	default:
		http.NotFound(w, r)
	}
}

func TestManager(t *testing.T) {
	c, err := parse(t, "--no-leader-election", "--metrics-address=0", "--health-address=0")
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(http.HandlerFunc(discovery))
	defer api.Close()
	l := leadership{lease: placement.NewFakeLease()}
	// Controllers of an earlier run of this test had the same names.
	again := func(o *ctrl.Options) { o.Controller.SkipNameValidation = ptr.To(true) }
	if _, err := newManager(&rest.Config{Host: api.URL}, c, l, again); err != nil {
		t.Errorf("newManager(): without the kinds there should be a manager that waits for them, got %v", err)
	}
	if diff := cmp.Diff(map[string]cache.Config{"a": {}, "b": {}}, managerOptions(&cli{Namespaces: []string{"a", "b"}}, nil, l).Cache.DefaultNamespaces); diff != "" {
		t.Errorf("managerOptions(): -want, +got:\n%s", diff)
	}
	if all := managerOptions(c, nil, l).Cache.DefaultNamespaces; all != nil {
		t.Errorf("managerOptions(): want all namespaces, got %v", all)
	}
	o := options(c, logging.NewNopLogger(), l)
	if diff := cmp.Diff(c.placement(), o.Placement); diff != "" {
		t.Errorf("options(): -want, +got:\n%s", diff)
	}
}
