package provider

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

func password(name, secret string) *v1alpha1.Password {
	return &v1alpha1.Password{ObjectMeta: named(name), Spec: v1alpha1.PasswordSpec{ForProvider: v1alpha1.PasswordParameters{SecretName: secret}}}
}

// secret reads a Secret.
func (s *scenario) secret(name string) *corev1.Secret {
	s.Helper()
	o := &corev1.Secret{ObjectMeta: metaIn(s.ns, name)}
	s.get(o)
	return o
}

// TestPasswordStays: no reconcile, and no restart, ever rewrites a password.
func TestPasswordStays(t *testing.T) {
	t.Parallel()
	s := begin(t)
	r := s.provider(append(slices.Clone(alone), with("--poll=50ms"))...)
	var all []resource.Managed
	versions := map[string]string{}
	for i := range 20 {
		name := fmt.Sprint("pw-", i)
		pw := password(name, name)
		s.create(pw)
		all = append(all, pw)
	}
	s.ready(all...)
	for _, pw := range all {
		versions[pw.GetName()] = s.secret(pw.GetName()).ResourceVersion
	}
	reconciles := func() float64 {
		return s.metric(r, "controller_runtime_reconcile_total", `controller="managed/password.m.multigres.com"`)
	}
	start := reconciles()
	s.until("1000 reconciles", func(context.Context) error {
		if n := reconciles() - start; n < 1000 {
			return errors.Errorf("%g", n)
		}
		return nil
	})
	n := reconciles() - start
	r.Kill()
	s.must(r.Start())
	for _, o := range all {
		pw := o.(*v1alpha1.Password)
		s.edit(pw, func() { pw.Spec.ForProvider.Length = 20 })
	}
	s.ready(all...)
	for name, version := range versions {
		if got := s.secret(name).ResourceVersion; got != version {
			t.Errorf("Secret %s was rewritten: version %s, now %s", name, version, got)
		}
	}
	s.notef("%g reconciles and a crash, no write", n)
}

// TestPasswordRotates: a rotation, and nothing else, makes a new password; what was retained is adopted.
func TestPasswordRotates(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.provider()
	pw := password("pw", "pw")
	pw.Spec.ManagementPolicies = retained
	s.create(pw)
	s.ready(pw)
	first := string(s.secret("pw").Data["password"])
	s.edit(pw, func() { pw.Spec.ForProvider.Rotation = "2026-01" })
	s.until("the password changes", func(context.Context) error {
		if string(s.secret("pw").Data["password"]) == first {
			return errors.New("it is the first one")
		}
		return nil
	})
	s.ready(pw)
	second := string(s.secret("pw").Data["password"])

	s.remove(pw)
	s.gone(pw)
	heir := password("heir", "pw")
	s.create(heir)
	s.ready(heir)
	if got := string(s.secret("pw").Data["password"]); got != second {
		t.Error("a retained password should be adopted as it is")
	}
	s.remove(heir)
	s.gone(heir)
	s.gone(&corev1.Secret{ObjectMeta: metaIn(s.ns, "pw")})
	s.notef("rotated once, retained, adopted, deleted")
}
