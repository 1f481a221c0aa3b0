package render

import (
	"maps"
	"path"
	"slices"

	protection "github.com/crossplane/crossplane/apis/v2/protection/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// complainer collects what is wrong with one object.
type complainer func(format string, a ...any)

func (c complainer) all(what string, problems []string) {
	for _, p := range problems {
		c("%s: %s", what, p)
	}
}

func (c complainer) fields(errs field.ErrorList) {
	for _, err := range errs {
		c("%v", err)
	}
}

// The name of a StatefulSet becomes part of a label with a hash of ten characters and a dash.
const mostStatefulSetName = validation.LabelValueMaxLength - 11

// checkObject checks the rules of Kubernetes that its API server would refuse the object by.
func checkObject(obj runtime.Object, complain complainer) {
	m, ok := obj.(metav1.Object)
	if !ok {
		complain("it is no object")
		return
	}
	complain.all("name "+m.GetName(), validation.IsDNS1123Subdomain(m.GetName()))
	checkMeta(m.GetLabels(), m.GetAnnotations(), complain)

	switch o := obj.(type) {
	case *corev1.Pod:
		// Its name is its host name.
		complain.all("name "+o.Name, validation.IsDNS1123Label(o.Name))
		checkPodSpec(&o.Spec, complain)
	case *corev1.Service:
		checkService(o, complain)
	case *corev1.ConfigMap:
		for _, k := range slices.Sorted(maps.Keys(o.Data)) {
			complain.all("key "+k, validation.IsConfigMapKey(k))
		}
	case *corev1.Secret:
		for _, k := range slices.Sorted(maps.Keys(o.Data)) {
			complain.all("key "+k, validation.IsConfigMapKey(k))
		}
	case *appsv1.Deployment:
		complain.all("name "+o.Name, validation.IsDNS1123Label(o.Name))
		checkTemplate(o.Spec.Selector, &o.Spec.Template, complain)
	case *appsv1.StatefulSet:
		if len(o.Name) > mostStatefulSetName {
			complain("name %s is longer than %d characters", o.Name, mostStatefulSetName)
		}
		checkTemplate(o.Spec.Selector, &o.Spec.Template, complain, claims(o.Spec.VolumeClaimTemplates)...)
	case *policyv1.PodDisruptionBudget:
		checkSelector(o.Spec.Selector, complain)
		if (o.Spec.MinAvailable == nil) == (o.Spec.MaxUnavailable == nil) {
			complain("it needs one of minAvailable and maxUnavailable")
		}
	case *protection.Usage:
		checkUsage(o, complain)
	default:
		complain("nothing is known about a %T", obj)
	}
}

// checkUsage checks that both ends of a Usage are named: a selector could take what belongs to another cluster.
func checkUsage(u *protection.Usage, complain complainer) {
	of, by := u.Spec.Of, u.Spec.By
	switch {
	case of.ResourceRef == nil || of.ResourceRef.Name == "" || of.ResourceRef.Namespace != nil || of.ResourceSelector != nil:
		complain("what is used must be named, in the same namespace")
	case by == nil || by.ResourceRef == nil || by.ResourceRef.Name == "" || by.ResourceSelector != nil:
		complain("what uses it must be named")
	}
}

func claims(cs []corev1.PersistentVolumeClaim) []string {
	out := make([]string, 0, len(cs))
	for i := range cs {
		out = append(out, cs[i].Name)
	}
	return out
}

func checkMeta(ls, annotations map[string]string, complain complainer) {
	complain.fields(metavalidation.ValidateLabels(ls, field.NewPath("labels")))
	complain.fields(apivalidation.ValidateAnnotations(annotations, field.NewPath("annotations")))
}

func checkSelector(s *metav1.LabelSelector, complain complainer) {
	complain.fields(metavalidation.ValidateLabelSelector(s, metavalidation.LabelSelectorValidationOptions{}, field.NewPath("selector")))
	if s == nil || len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		complain("the selector selects everything or nothing")
	}
}

func checkTemplate(s *metav1.LabelSelector, tpl *corev1.PodTemplateSpec, complain complainer, volumes ...string) {
	checkSelector(s, complain)
	sel, err := metav1.LabelSelectorAsSelector(s)
	if err != nil || !sel.Matches(labels.Set(tpl.Labels)) {
		complain("the selector %v does not match the labels %v of the template", s, tpl.Labels)
	}
	checkMeta(tpl.Labels, tpl.Annotations, complain)
	checkPodSpec(&tpl.Spec, complain, volumes...)
}

func checkService(s *corev1.Service, complain complainer) {
	complain.all("name "+s.Name, validation.IsDNS1035Label(s.Name))
	if len(s.Spec.Selector) == 0 {
		complain("a Service without a selector has no endpoints")
	}
	checkMeta(s.Spec.Selector, nil, complain)
	if len(s.Spec.Ports) == 0 && s.Spec.ClusterIP != corev1.ClusterIPNone {
		complain("it has no ports")
	}
	names := map[string]bool{}
	for _, p := range s.Spec.Ports {
		complain.all("port "+p.Name, validation.IsDNS1123Label(p.Name))
		complain.all("port "+p.Name, validation.IsValidPortNum(int(p.Port)))
		if names[p.Name] {
			complain("two ports are named %s", p.Name)
		}
		names[p.Name] = true
	}
	for i, ip := range s.Spec.ExternalIPs {
		complain.fields(validation.IsValidIP(field.NewPath("externalIPs").Index(i), ip))
	}
}

// checkPodSpec checks a pod. The further volumes are those that claim templates add.
func checkPodSpec(spec *corev1.PodSpec, complain complainer, volumes ...string) {
	if spec.Hostname != "" {
		complain.all("hostname", validation.IsDNS1123Label(spec.Hostname))
	}
	if spec.Subdomain != "" {
		complain.all("subdomain", validation.IsDNS1123Label(spec.Subdomain))
	}
	for _, v := range spec.Volumes {
		complain.all("volume "+v.Name, validation.IsDNS1123Label(v.Name))
		if slices.Contains(volumes, v.Name) {
			complain("two volumes are named %s", v.Name)
		}
		volumes = append(volumes, v.Name)
	}
	checkMeta(spec.NodeSelector, nil, complain)

	if spec.AutomountServiceAccountToken == nil || (*spec.AutomountServiceAccountToken && spec.ServiceAccountName == "") {
		complain("it mounts a token of a service account that nobody chose")
	}
	if spec.EnableServiceLinks == nil || *spec.EnableServiceLinks {
		complain("it gets the addresses of all Services in its environment")
	}
	if sc := spec.SecurityContext; sc == nil || sc.RunAsNonRoot == nil || !*sc.RunAsNonRoot || sc.SeccompProfile == nil {
		complain("the pod security level is not restricted")
	}

	names, ports := map[string]bool{}, map[string]bool{}
	mounted := map[string]bool{}
	for _, c := range containers(spec) {
		if names[c.Name] {
			complain("two containers are named %s", c.Name)
		}
		names[c.Name] = true
		checkContainer(&c, volumes, complain)
		for _, m := range c.VolumeMounts {
			mounted[m.Name] = true
		}
		for _, p := range c.Ports {
			if p.Name != "" && ports[p.Name] {
				complain("two ports are named %s", p.Name)
			}
			ports[p.Name] = true
		}
	}
	for _, v := range volumes {
		if !mounted[v] {
			complain("volume %s is mounted nowhere", v)
		}
	}
}

func checkContainer(c *corev1.Container, volumes []string, complain complainer) {
	complain.all("container "+c.Name, validation.IsDNS1123Label(c.Name))
	if c.Image == "" || c.ImagePullPolicy == "" {
		complain("container %s: image %q, pull policy %q", c.Name, c.Image, c.ImagePullPolicy)
	}
	sc := c.SecurityContext
	if sc == nil || sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation || sc.Capabilities == nil || !slices.Contains(sc.Capabilities.Drop, "ALL") {
		complain("container %s: the pod security level is not restricted", c.Name)
	}
	for _, p := range c.Ports {
		if p.Name != "" {
			complain.all("port "+p.Name, validation.IsValidPortName(p.Name))
		}
		complain.all("port "+p.Name, validation.IsValidPortNum(int(p.ContainerPort)))
	}
	for name, p := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
		if p != nil {
			checkProbe(c, name, p, complain)
		}
	}
	env := map[string]bool{}
	for _, e := range c.Env {
		complain.all("env "+e.Name, validation.IsEnvVarName(e.Name))
		if env[e.Name] {
			complain("container %s: %s is set twice", c.Name, e.Name)
		}
		env[e.Name] = true
	}
	paths := map[string]bool{}
	for _, m := range c.VolumeMounts {
		if !slices.Contains(volumes, m.Name) {
			complain("container %s mounts %s, which is no volume", c.Name, m.Name)
		}
		if !path.IsAbs(m.MountPath) || (paths[m.MountPath] && m.SubPath == "") {
			complain("container %s: mount path %s", c.Name, m.MountPath)
		}
		paths[m.MountPath] = true
	}
	for name, limit := range c.Resources.Limits {
		if request, ok := c.Resources.Requests[name]; ok && request.Cmp(limit) > 0 {
			complain("container %s requests more %s than it may use", c.Name, name)
		}
	}
}

func checkProbe(c *corev1.Container, name string, p *corev1.Probe, complain complainer) {
	var port intstr.IntOrString
	switch {
	case p.HTTPGet != nil:
		port = p.HTTPGet.Port
	case p.TCPSocket != nil:
		port = p.TCPSocket.Port
	default:
		return
	}
	if port.Type == intstr.Int {
		complain.all(name+" probe of "+c.Name, validation.IsValidPortNum(port.IntValue()))
		return
	}
	if !slices.ContainsFunc(c.Ports, func(cp corev1.ContainerPort) bool { return cp.Name == port.StrVal }) {
		complain("the %s probe of %s asks port %s, which it does not have", name, c.Name, port.StrVal)
	}
}
