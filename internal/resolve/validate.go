package resolve

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// fromTemplate adds to problems that a template applies: the field at their path may not be in the spec at all.
func fromTemplate(kind, name string, errs field.ErrorList) field.ErrorList {
	if name == "" {
		return errs
	}
	for _, err := range errs {
		err.Detail += fmt.Sprintf(" (%s %q applies)", kind, name)
	}
	return errs
}

// maxScale bounds the decimal exponent of a quantity, either way, for the same reason. Kubernetes has no unit beyond 18.
const maxScale = 40

// parseSize parses the size of a volume.
func parseSize(size string) (resource.Quantity, bool) {
	q, err := object.ParseQuantity(size)
	return q, err == nil
}

func validateSize(size string, path *field.Path) *field.Error {
	q, ok := parseSize(size)
	if !ok {
		return field.Invalid(path, size, "must be a quantity such as 10Gi")
	}
	if q.Sign() <= 0 {
		return field.Invalid(path, size, "must be greater than zero")
	}
	return nil
}

// validateResources returns what is wrong with the resources of a container, by the names of the resources.
func validateResources(r corev1.ResourceRequirements, path *field.Path) field.ErrorList {
	errs := append(validateResourceList(r.Requests, path.Child("requests")), validateResourceList(r.Limits, path.Child("limits"))...)
	if len(errs) > 0 {
		return errs
	}
	for _, name := range slices.Sorted(maps.Keys(r.Limits)) {
		limit, request := r.Limits[name], r.Requests[name]
		if limit.Cmp(request) < 0 {
			errs = append(errs, field.Invalid(path.Child("limits").Key(string(name)), limit.String(), "must not be below the request of "+request.String()))
		}
	}
	return errs
}

func validateResourceList(l corev1.ResourceList, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(l)) {
		q := l[name]
		at := path.Key(string(name))
		// The copy is made because a quantity changes its form when it is looked at.
		if c := q.DeepCopy(); c.AsDec().Scale() > maxScale || c.AsDec().Scale() < -maxScale {
			errs = append(errs, field.Invalid(at, field.OmitValueType{}, "is out of range"))
			continue
		}
		if q.Sign() < 0 {
			errs = append(errs, field.Invalid(at, q.String(), "must not be negative"))
		}
	}
	return errs
}

// accessModes are those of Kubernetes.
var accessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadOnlyMany, corev1.ReadWriteMany, corev1.ReadWriteOncePod}

func validateStorage(s v1alpha1.StorageSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if err := validateSize(s.Size, path.Child("size")); err != nil {
		errs = append(errs, err)
	}
	for i, m := range s.AccessModes {
		if !slices.Contains(accessModes, m) {
			errs = append(errs, field.NotSupported(path.Child("accessModes").Index(i), m, accessModes))
		}
	}
	return errs
}

// validateShared refuses access modes with which only one node can mount a volume. A shard has two poolers at least, so it is
// never the only node that should.
func validateShared(modes []corev1.PersistentVolumeAccessMode, path *field.Path) *field.Error {
	if slices.Contains(modes, corev1.ReadWriteMany) {
		return nil
	}
	return field.Invalid(path, modes, "must have ReadWriteMany: all poolers of a shard restore from the volume that one of them backs up to; use S3 where there are no such volumes")
}

// reservedPaths are directories of a pooler's pod in which other things are.
var reservedPaths = []string{"/bin", "/certs", "/dev", "/etc", "/lib", "/proc", "/run", "/secrets", "/sys", "/tmp", "/usr", "/var/lib/pooler", "/var/lib/postgresql", "/var/run"}

func validateBackupPath(p string, at *field.Path) *field.Error {
	if !path.IsAbs(p) || path.Clean(p) != p || p == "/" {
		return field.Invalid(at, p, "must be an absolute path without dots and trailing slash")
	}
	for _, reserved := range reservedPaths {
		if within(p, reserved) || within(reserved, p) {
			return field.Invalid(at, p, "must not be inside or around "+reserved+", where the pods have something else")
		}
	}
	return nil
}

// within says whether a path is a directory or below it.
func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, dir+"/")
}

// validateExternalIPs returns the addresses that no Service accepts.
func validateExternalIPs(ips []v1alpha1.IPAddress, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, ip := range ips {
		addr, err := netip.ParseAddr(string(ip))
		switch {
		case err != nil || addr.Zone() != "":
			errs = append(errs, field.Invalid(path.Index(i), ip, "must be an IPv4 or IPv6 address"))
		case addr.IsUnspecified() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsLinkLocalMulticast():
			errs = append(errs, field.Invalid(path.Index(i), ip, "must be reachable from outside: neither unspecified, nor loopback, nor link-local"))
		}
	}
	return errs
}

// parseEndpoint returns the scheme and the host:port of the URL of a topology server. Its errors never show the URL, which may
// hold a password.
func parseEndpoint(endpoint string, at *field.Path) (scheme, address string, problem *field.Error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Opaque != "" || (u.Scheme != schemeHTTP && u.Scheme != schemeHTTPS):
		return "", "", field.Invalid(at, field.OmitValueType{}, "must be a URL such as http://etcd.example:2379")
	case u.User != nil:
		return "", "", field.Invalid(at, field.OmitValueType{}, "must not hold a user or password: "+capabilities.says("authenticates with certificates only"))
	case u.Hostname() == "" || u.Port() == "" || strings.ContainsAny(u.Host, ",;% "):
		return "", "", field.Invalid(at, endpoint, "must have a host and a port")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", "", field.Invalid(at, endpoint, "must have nothing after the port")
	}
	return u.Scheme, u.Host, nil
}

// validateTopoTLS returns where the scheme of an external server and its Secrets contradict each other.
func validateTopoTLS(e *v1alpha1.ExternalTopoServerSpec, scheme string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if scheme == schemeHTTPS && e.ClientCertSecret == "" {
		errs = append(errs, field.Required(path.Child("clientCertSecret"), capabilities.says("speaks TLS to a topology server only with a client certificate")))
	}
	if scheme == schemeHTTP && e.ClientCertSecret != "" {
		errs = append(errs, field.Forbidden(path.Child("clientCertSecret"), "has no use with http endpoints"))
	}
	if scheme == schemeHTTP && e.CASecret != "" {
		errs = append(errs, field.Forbidden(path.Child("caSecret"), "has no use with http endpoints"))
	}
	return errs
}

// rootPath is the form of the root of a topology.
var rootPath = regexp.MustCompile(`^/\S+$`)

func validateRoot(root v1alpha1.RootPath, path *field.Path) *field.Error {
	if rootPath.MatchString(string(root)) {
		return nil
	}
	return field.Invalid(path, root, "must be an absolute path without white space")
}

// validateEtcd returns what is wrong with a complete managed etcd.
func validateEtcd(e *v1alpha1.EtcdSpec, path *field.Path) field.ErrorList {
	errs := append(validateStorage(e.Storage, path.Child("storage")), validateResources(e.Resources, path.Child("resources"))...)
	if *e.Replicas < 1 || *e.Replicas%2 == 0 {
		errs = append(errs, field.Invalid(path.Child("replicas"), *e.Replicas, "must be odd: an even number of members tolerates no more failures"))
	}
	if err := validateRoot(e.RootPath, path.Child("rootPath")); err != nil {
		errs = append(errs, err)
	}
	return errs
}
