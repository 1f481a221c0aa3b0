package cluster

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// addPassword adds the superuser's password, unless the user brings one.
func (a *assembly) addPassword() {
	if a.c.PasswordGenerated {
		a.add(naming.KeyPostgresPassword, buildPassword(a.c))
	}
	if a.c.password == "" && (!a.c.PasswordGenerated || a.s.IsReady(naming.KeyPostgresPassword)) {
		a.awaited = append(a.awaited, passwordReason(a.c))
	}
}

// passwordReady is true if pods find the superuser's password.
func (a *assembly) passwordReady() bool {
	if a.c.PasswordGenerated {
		return a.s.IsReady(naming.KeyPostgresPassword)
	}
	return a.c.password != ""
}

func passwordReason(c *cluster) string {
	return "Secret " + c.PasswordSecret.Name + " with the key " + c.PasswordSecret.Key
}

func buildPassword(c *cluster) *mv1alpha1.Password {
	p := &mv1alpha1.Password{
		TypeMeta:   metav1.TypeMeta{APIVersion: mv1alpha1.SchemeGroupVersion.String(), Kind: mv1alpha1.PasswordKind},
		ObjectMeta: metav1.ObjectMeta{Name: c.PasswordSecret.Name, Labels: c.labels(naming.ComponentPostgresPassword)},
		Spec: mv1alpha1.PasswordSpec{
			ManagedResourceSpec: xpv2.ManagedResourceSpec{ProviderConfigReference: c.managed, ManagementPolicies: policiesRetain},
			ForProvider:         mv1alpha1.PasswordParameters{SecretName: c.PasswordSecret.Name, Key: c.PasswordSecret.Key},
		},
	}
	if !dataOutlives(c) {
		p.Spec.ManagementPolicies = policiesDelete
	}
	return p
}

// dataOutlives is true if the volumes of any pool are kept when the cluster is deleted. The password is in the data, so the one
// must not go without the other.
func dataOutlives(c *cluster) bool {
	for i := range c.Databases {
		for j := range c.Databases[i].TableGroups {
			for k := range c.Databases[i].TableGroups[j].Shards {
				for _, p := range c.Databases[i].TableGroups[j].Shards[k].Pools {
					if p.PVCDeletionPolicy == nil || p.PVCDeletionPolicy.WhenDeleted != v1alpha1.PVCDelete {
						return true
					}
				}
			}
		}
	}
	return false
}
