package cluster

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// maxName is the longest name of a cluster, which is part of the names of Services.
const maxName = 25

// name is the form of a cluster's name: Services are named after it, and theirs must begin with a letter.
var name = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)

// validateMetadata returns why the cluster cannot be composed at all, whatever its spec says.
func validateMetadata(mc *v1alpha1.MultigresCluster) field.ErrorList {
	p := field.NewPath("metadata")
	var errs field.ErrorList
	if len(mc.Name) > maxName {
		errs = append(errs, field.TooLong(p.Child("name"), mc.Name, maxName))
	}
	if len(mc.Name) <= maxName && !name.MatchString(mc.Name) {
		errs = append(errs, field.Invalid(p.Child("name"), mc.Name, "must start with a letter and hold only lower-case letters, digits and dashes"))
	}
	if mc.Namespace == "" {
		errs = append(errs, field.Required(p.Child("namespace"), "a cluster is in a namespace"))
	}
	return errs
}

// validate returns what is wrong with a spec beyond what its resolution finds.
func validate(spec *v1alpha1.MultigresClusterSpec) field.ErrorList {
	p := field.NewPath("spec")
	errs := duplicates(p.Child("cells"), spec.Cells, func(c v1alpha1.CellConfig) string { return string(c.Name) })
	errs = append(errs, duplicates(p.Child("databases"), spec.Databases, func(d v1alpha1.DatabaseConfig) string { return string(d.Name) })...)
	for i, db := range spec.Databases {
		p := p.Child("databases").Index(i).Child("tablegroups")
		errs = append(errs, duplicates(p, db.TableGroups, func(t v1alpha1.TableGroupConfig) string { return string(t.Name) })...)
		for j, tg := range db.TableGroups {
			p := p.Index(j).Child("shards")
			errs = append(errs, duplicates(p, tg.Shards, func(s v1alpha1.ShardConfig) string { return string(s.Name) })...)
		}
	}
	if err := validateCommonName(spec.CertCommonName, p.Child("certCommonName")); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// duplicates returns the items of a list whose names earlier ones have already. The API server refuses them, but not everybody
// who renders a cluster asks one.
func duplicates[T any](p *field.Path, items []T, nameOf func(T) string) field.ErrorList {
	var errs field.ErrorList
	seen := make(map[string]bool, len(items))
	for i, item := range items {
		n := nameOf(item)
		if seen[n] {
			errs = append(errs, field.Duplicate(p.Index(i).Child("name"), n))
		}
		seen[n] = true
	}
	return errs
}

// validateCommonName refuses a name that a certificate for a host cannot carry.
func validateCommonName(cn string, p *field.Path) *field.Error {
	if cn == "" {
		return nil
	}
	check := validation.IsDNS1123Subdomain
	if strings.HasPrefix(cn, "*.") {
		check = validation.IsWildcardDNS1123Subdomain
	}
	if problems := check(strings.ToLower(cn)); len(problems) > 0 {
		return field.Invalid(p, cn, "must be a host name, which may start with *.")
	}
	return nil
}
