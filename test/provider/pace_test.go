package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// A line of the provider's log.
type line struct {
	Time    time.Time `json:"time"`
	Message string    `json:"msg"`
	Request struct {
		Name string `json:"name"`
	} `json:"request"`
}

// log returns the lines of a replica that hold a text.
func (s *scenario) log(r *replica, text string) []line {
	s.Helper()
	var out []line
	for l := range strings.Lines(r.Tail(1 << 24)) {
		if !strings.Contains(l, text) {
			continue
		}
		var parsed line
		if json.Unmarshal([]byte(l), &parsed) == nil {
			out = append(out, parsed)
		}
	}
	return out
}

// TestB4Backoff: attempts on a server that refuses connections come ever later, up to a limit, and after a success as soon as at
// first.
func TestB4Backoff(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	tcp := s.behind(st)
	const base, most = 200 * time.Millisecond, 2 * time.Second
	r := s.provider(with("--backoff-base="+base.String(), "--backoff-max="+most.String()))
	s.config("pc", st, "")
	z := cell("z1", "pc")
	s.create(z)
	s.settled(z)

	rests := func() []time.Duration {
		var out []time.Duration
		var ended time.Time
		for _, l := range s.log(r, `"Name":"z1"`) {
			switch {
			case l.Message == "Reconciling" && !ended.IsZero():
				out = append(out, l.Time.Sub(ended))
				ended = time.Time{}
			case strings.HasPrefix(l.Message, "Cannot observe external resource"), strings.HasPrefix(l.Message, "Cannot connect"):
				ended = l.Time
			}
		}
		return out
	}
	wait := func(n int) []time.Duration {
		s.until(fmt.Sprintf("%d rests", n), func(context.Context) error {
			if got := len(rests()); got < n {
				return errors.Errorf("%d", got)
			}
			return nil
		})
		return rests()
	}
	tcp.Refuse()
	s.edit(z, func() { z.Spec.ForProvider.Root = "/another" })
	first := wait(4)
	s.must(tcp.Pass())
	s.settled(z)
	before := len(rests())
	tcp.Refuse()
	s.edit(z, func() { z.Spec.ForProvider.Root = "/third" })
	again := wait(before + 2)[before:]
	check := func(got []time.Duration) {
		want := base
		for i, g := range got {
			// Only a busy machine makes a rest longer.
			if g < want*8/10 || g > want*12/10+time.Second {
				t.Errorf("rest %d: want %s, got %s", i+1, want, g)
			}
			want = min(2*want, most)
		}
	}
	check(first[:4])
	check(again[:2])
	s.notef("rests %s, after a success %s", rounded(first[:4]), rounded(again[:2]))
}

func rounded(in []time.Duration) []time.Duration {
	out := make([]time.Duration, 0, len(in))
	for _, d := range in {
		out = append(out, d.Round(10*time.Millisecond))
	}
	return out
}

// TestB6Rotation: when the Secret of a configuration changes all that use it are reconciled at once, and once.
func TestB6Rotation(t *testing.T) {
	t.Parallel()
	const users = 10
	s := begin(t)
	st := s.own()
	for _, f := range []func() error{
		func() error { _, err := st.UserAdd(s.Context(), "root", "one"); return err },
		func() error { _, err := st.UserGrantRole(s.Context(), "root", "root"); return err },
		func() error { _, err := st.AuthEnable(s.Context()); return err },
	} {
		s.must(f())
	}
	login := func(password string) *clientv3.Client {
		c, err := clientv3.New(clientv3.Config{Endpoints: []string{st.server.Address}, Username: "root", Password: password, DialTimeout: 5 * time.Second})
		s.must(err)
		s.Cleanup(func() { _ = c.Close() })
		return c
	}
	st.Client = login("one")
	r := s.provider()
	credentials := s.opaque("credentials", map[string]string{"username": "root", "password": "one"})
	pc := &v1alpha1.ProviderConfig{ObjectMeta: named("pc"), Spec: v1alpha1.ProviderConfigSpec{
		Topology: v1alpha1.Topology{Endpoints: []string{st.address}, Root: s.root},
		Credentials: &v1alpha1.ProviderConfigCredentials{
			Source: v1alpha1.CredentialsSourceSecret, SecretRef: &xpv2.LocalSecretReference{Name: "credentials"},
		},
	}}
	s.create(pc)
	var all []resource.Managed
	for i := range users {
		all = append(all, cell(fmt.Sprint("z", i), "pc"))
	}
	for _, mg := range all {
		s.create(mg)
	}
	s.settled(all...)

	before := s.reconciles(r, cellController)
	_, err := st.UserChangePassword(s.Context(), "root", "two")
	s.must(err)
	began := time.Now()
	s.get(credentials)
	credentials.Data["password"] = []byte("two")
	s.must(s.kube.Update(s.Context(), credentials))
	s.reconciled(r, cellController, before, users)
	took := time.Since(began)
	s.never("they are reconciled again and again", func() bool { return s.reconciles(r, cellController)-before > 3*users })
	n := s.reconciles(r, cellController) - before
	st.Client = login("two")
	s.edit(all[0], func() { all[0].(*v1alpha1.CellRecord).Spec.ForProvider.Root = "/another" })
	s.settled(all...)
	if got := st.cell(cellKey("z0")).GetRoot(); got != "/another" {
		t.Errorf("want a record that was written with the new password, got root %q", got)
	}

	// Without the key nothing works, and the condition says which.
	s.get(credentials)
	delete(credentials.Data, "password")
	s.must(s.kube.Update(s.Context(), credentials))
	s.condition(all[1], "Settled", corev1.ConditionFalse, "SecretMissing")
	s.notef("%d users, %g reconciles, the last after %.2f s", users, n, took.Seconds())
}

// TestB8Supervision: a watch that is cut off again and again is one watch at any time, and misses nothing.
func TestB8Supervision(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	tcp := s.behind(st)
	r := s.provider()
	s.config("pc", st, "")
	z := cell("z1", "pc")
	s.create(z)
	s.settled(z)
	most := 0.0
	for range 20 {
		accepted := tcp.Accepted()
		tcp.Cut()
		st.drop(cellKey("z1"))
		s.until("the record is back", func(context.Context) error {
			most = max(most, s.metric(r, "multigres_provider_topology_watches"))
			if st.cell(cellKey("z1")) == nil {
				return errors.New("it is gone")
			}
			return nil
		})
		s.until("it is connected again", func(context.Context) error {
			if tcp.Accepted() == accepted {
				return errors.New("no connection")
			}
			return nil
		})
	}
	s.settled(z)
	if most != 1 {
		t.Errorf("want one watch at any time, got %g", most)
	}
	s.notef("20 cuts, 20 deletions by hand found, at most %g watch", most)
}

// TestB9Description: a process that makes no sense fails at its start and says why, one that does says how it runs.
func TestB9Description(t *testing.T) {
	t.Parallel()
	s := begin(t)
	for args, want := range map[string]string{
		"--backoff-base=2m":           "backoff",
		"--backoff-base=0s":           "backoff",
		"--concurrency=0":             "concurrency",
		"--leader-election-renew=15s": "renew",
		"--poll=0s":                   "poll",
	} {
		cmd := exec.Command(os.Getenv(envProvider), args)
		cmd.Env = []string{"KUBECONFIG=" + filepath.Join(t.TempDir(), "none")}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: want a failure that says %q, got %v: %s", args, want, err, out)
		}
	}
	r := s.provider(brief)
	const want = "placement=leader lease=4s renew=3s retry=500ms concurrency=10 backoff=200ms..5s poll=1h0m0s"
	s.until("the log says how it runs", func(context.Context) error {
		if !strings.Contains(r.Tail(1<<20), want) {
			return errors.Errorf("no %q", want)
		}
		return nil
	})
	s.notef("%s", want)
}
