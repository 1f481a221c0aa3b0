package resolve

import (
	"cmp"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// Built-in values that are not part of a workload.
const (
	defaultSuperuser   = "postgres"
	defaultDurability  = v1alpha1.DurabilityAtLeast2
	defaultServiceType = "ClusterIP"
	defaultIssuerKind  = "Issuer"
	defaultIssuerGroup = "cert-manager.io"
	defaultSamplingKey = "sampling-config.yaml"

	// passwordKey is the key of the Secret that holds a generated password.
	passwordKey = "password"
)

// Resolve computes the configuration that applies to a cluster, from its spec, the templates of its namespace and what is built
// in. Which images apply also depends on which did so far: that is read from the cluster's status, and for a cluster that the
// operator ran before, from its annotation.
//
// It returns all problems at once, each with the path of its field. The configuration is complete even then, as far as the
// problems allow, but must not be acted on.
func Resolve(c *v1alpha1.MultigresCluster, ts Templates, defaults ImageDefaults) (*Cluster, []Warning, field.ErrorList) {
	r := &resolver{
		// What applies shares nothing with its sources, so that whoever changes it changes no one else's.
		spec:      c.Spec.DeepCopy(),
		templates: ts,
		root:      field.NewPath("spec"),
		out: &Cluster{
			Name:       c.GetName(),
			Namespace:  c.GetNamespace(),
			ProjectRef: c.GetAnnotations()[naming.AnnotationProjectRef],
		},
		seen: make(map[string]bool),
		used: usedTemplates{core: make(map[string]bool), cell: make(map[string]bool), shard: make(map[string]bool)},
	}

	r.resolveTemplateDefaults()
	r.resolveImages(c, defaults)
	r.resolveScalars()
	r.resolveExternal()
	r.resolveAdmins()
	r.resolveGlobalTopo()
	r.resolveCells()
	r.resolveDatabases()

	r.out.ResolvedTemplates = v1alpha1.ResolvedTemplates{
		CoreTemplates:  sorted(r.used.core),
		CellTemplates:  sorted(r.used.cell),
		ShardTemplates: sorted(r.used.shard),
	}
	return r.out, r.warnings, r.errs
}

// A resolver collects what applies and what is wrong.
type resolver struct {
	spec      *v1alpha1.MultigresClusterSpec
	templates Templates
	root      *field.Path

	out      *Cluster
	errs     field.ErrorList
	warnings []Warning

	// seen are the problems and warnings so far: what a template or a level above gets wrong is found again wherever it
	// applies, and told once.
	seen map[string]bool

	used usedTemplates
}

// usedTemplates are the names of templates that apply somewhere.
type usedTemplates struct {
	core, cell, shard map[string]bool
}

// fail adds problems. A nil problem is none.
func (r *resolver) fail(errs ...*field.Error) {
	for _, err := range errs {
		if err == nil || r.seen[err.Error()] {
			continue
		}
		r.seen[err.Error()] = true
		r.errs = append(r.errs, err)
	}
}

// warn adds a warning.
func (r *resolver) warn(reason, message string) {
	if r.seen[reason+message] {
		return
	}
	r.seen[reason+message] = true
	r.warnings = append(r.warnings, Warning{Reason: reason, Message: message})
}

// resolveScalars resolves what is neither templated nor merged over more than one level.
func (r *resolver) resolveScalars() {
	s, out := r.spec, r.out

	out.LogLevels = v1alpha1.ComponentLogLevels{
		Pgctld:       cmp.Or(s.LogLevels.Pgctld, defaultLogLevel),
		Multipooler:  cmp.Or(s.LogLevels.Multipooler, defaultLogLevel),
		Multiorch:    cmp.Or(s.LogLevels.Multiorch, defaultLogLevel),
		Multiadmin:   cmp.Or(s.LogLevels.Multiadmin, defaultLogLevel),
		Multigateway: cmp.Or(s.LogLevels.Multigateway, defaultLogLevel),
	}
	out.PVCDeletionPolicy = inheritPVC(s.PVCDeletionPolicy, defaultPVC)
	out.Backup = inheritBackup(s.Backup, defaultBackup())
	out.Superuser = cmp.Or(s.PostgresSuperuser, defaultSuperuser)
	out.Durability = cmp.Or(s.DurabilityPolicy, defaultDurability)
	out.TopologyPruning = s.TopologyPruning.IsEnabled()
	out.InternalTLS = s.InternalTLS.IsEnabled()
	out.CertCommonName = s.CertCommonName

	out.PasswordGenerated = s.PostgresPasswordSecretRef == nil
	out.PasswordSecret = v1alpha1.PostgresPasswordSecretRef{Name: naming.PostgresPasswordSecret(out.Name), Key: passwordKey}
	if ref := s.PostgresPasswordSecretRef; ref != nil {
		out.PasswordSecret = *ref
	}
	out.ConnectionSecret = cmp.Or(s.ConnectionSecretName, naming.ConnectionSecret(out.Name))
	if out.ConnectionSecret == out.PasswordSecret.Name {
		r.fail(field.Invalid(r.root.Child("connectionSecretName"), out.ConnectionSecret, "is the Secret that holds the password of the superuser"))
	}

	out.Observability = s.Observability
	if o := out.Observability; o != nil && o.SamplingConfigRef != nil {
		o.SamplingConfigRef.Key = cmp.Or(o.SamplingConfigRef.Key, defaultSamplingKey)
	}
	out.CertificateIssuerRef = s.CertificateIssuerRef
	if ref := out.CertificateIssuerRef; ref != nil {
		ref.Kind = cmp.Or(ref.Kind, defaultIssuerKind)
		ref.Group = cmp.Or(ref.Group, defaultIssuerGroup)
	}

	r.checkDurabilityName(s.DurabilityPolicy, r.root.Child("durabilityPolicy"))
}

// resolveExternal resolves what is exposed outside the Kubernetes cluster.
func (r *resolver) resolveExternal() {
	r.out.ExternalGateway = r.external(r.spec.ExternalGateway, r.root.Child("externalGateway"))
	r.out.ExternalAdminWeb = r.external(r.spec.ExternalAdminWeb, r.root.Child("externalAdminWeb"))
}

func (r *resolver) external(s *v1alpha1.ExternalServiceSpec, path *field.Path) *v1alpha1.ExternalServiceSpec {
	if s == nil {
		return nil
	}
	s.ServiceType = cmp.Or(s.ServiceType, defaultServiceType)
	r.fail(validateExternalIPs(s.ExternalIPs, path.Child("externalIPs"))...)
	if s.Enabled && s.ServiceType == defaultServiceType && len(s.ExternalIPs) == 0 {
		r.warn(ReasonNotExposed, path.String()+": is enabled, but a Service of type ClusterIP without externalIPs is not reachable from outside")
	}
	return s
}

// resolveAdmins resolves the admin API and its user interface.
func (r *resolver) resolveAdmins() {
	core, web := r.coreTemplate(r.multiadminChoice()), r.coreTemplate(r.multiadminWebChoice())
	r.out.Templates.Multiadmin = core.name
	r.out.Templates.MultiadminWeb = web.name

	r.out.MultiAdmin = r.admin(r.spec.Multiadmin, core.spec.Multiadmin, core.spec.MultiadminPlacement, multiadminDefaults, r.root.Child("multiadmin"))
	r.out.MultiAdminWeb = r.admin(r.spec.MultiadminWeb, web.spec.MultiadminWeb, web.spec.MultiadminWebPlacement, multiadminWebDefaults, r.root.Child("multiadminWeb"))
}

func (r *resolver) admin(c *v1alpha1.MultiadminConfig, template *v1alpha1.StatelessSpec, placement *v1alpha1.PodPlacementSpec, d workloadDefaults, path *field.Path) Admin {
	var out Admin
	if template != nil {
		out.Spec = *template
	}
	out.Placement = placement
	if c != nil {
		out.Placement = cmp.Or(c.Placement, out.Placement)
	}
	if c != nil && c.Spec != nil {
		out.Spec = mergeStateless(out.Spec, *c.Spec)
		path = path.Child("spec")
	}
	d.apply(&out.Spec)
	r.fail(validateResources(out.Spec.Resources, path.Child("resources"))...)
	return out
}
