package resolve

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// clientPort is the port on which a managed etcd serves clients.
const clientPort = "2379"

// schemeHTTP and schemeHTTPS are the only ones that an endpoint can have.
const (
	schemeHTTP  = "http"
	schemeHTTPS = "https"
)

// managedRoot is the root of a managed topology server. It serves one cluster only, so that the name of the cluster need not be
// in it.
const managedRoot v1alpha1.RootPath = "/multigres/global"

// resolveGlobalTopo resolves the topology server of the cluster.
func (r *resolver) resolveGlobalTopo() {
	path := r.root.Child("globalTopoServer")
	g := r.spec.GlobalTopoServer
	if g == nil {
		g = &v1alpha1.GlobalTopoServerSpec{}
	}
	core := r.coreTemplate(r.globalTopoChoice())
	if g.External != nil {
		r.out.GlobalTopo = r.externalTopo(g.External, path.Child("external"))
		return
	}

	template := core.spec.GlobalTopoServer
	if template == nil {
		template = &v1alpha1.TopoServerTemplateSpec{}
	}
	etcd := mergeEtcd(template.Etcd, g.Etcd)
	if etcd == nil {
		etcd = &v1alpha1.EtcdSpec{}
	}
	above := inheritPVC(cmp.Or(g.PVCDeletionPolicy, template.PVCDeletionPolicy), r.out.PVCDeletionPolicy)
	policy := applyEtcd(etcd, r.out.Images.Set.Etcd, managedRoot, above)
	r.checkEtcd(etcd, path.Child("etcd"))

	r.out.Templates.GlobalTopoServer = core.name
	address := serviceAddress(naming.GlobalTopoServer(r.out.Name), r.out.Namespace)
	r.out.GlobalTopo = GlobalTopo{
		Managed: &v1alpha1.TopoServerSpec{
			ImagePullSpec:     r.out.Images.Pull,
			ClusterName:       r.out.Name,
			ProjectRef:        r.out.ProjectRef,
			Etcd:              etcd,
			PVCDeletionPolicy: policy,
			Placement:         cmp.Or(g.Placement, template.Placement),
		},
		Ref:       v1alpha1.GlobalTopoServerRef{Address: address, RootPath: etcd.RootPath, Implementation: defaultImplementation},
		Endpoints: []string{schemeHTTP + "://" + address},
	}
}

// externalTopo resolves a topology server that something else runs. Its default root names the cluster, because several may
// share it.
func (r *resolver) externalTopo(e *v1alpha1.ExternalTopoServerSpec, path *field.Path) GlobalTopo {
	e.Implementation = cmp.Or(e.Implementation, defaultImplementation)
	e.RootPath = cmp.Or(e.RootPath, v1alpha1.RootPath(naming.TopologyRoot(r.out.Namespace, r.out.Name)))
	scheme, addresses := r.endpoints(e, path)
	urls := make([]string, 0, len(addresses))
	for _, a := range addresses {
		urls = append(urls, scheme+"://"+a)
	}
	return GlobalTopo{
		Ref: v1alpha1.GlobalTopoServerRef{
			Address:          strings.Join(addresses, ","),
			RootPath:         e.RootPath,
			Implementation:   e.Implementation,
			CASecret:         e.CASecret,
			ClientCertSecret: e.ClientCertSecret,
		},
		Endpoints: urls,
	}
}

// resolveLocalTopo resolves the topology server of one cell, and where the records of the cell are.
func (r *resolver) resolveLocalTopo(cell *Cell, local *v1alpha1.LocalTopoServerSpec, path *field.Path) {
	if local == nil || (local.Etcd == nil && local.External == nil) {
		// The records of all cells stand below the root of the global server. The keys of the records carry the cell, so that
		// none is in the way of another. A root for each cell works too, but moving a living cluster there would hide the records
		// that its poolers have written.
		cell.Record = CellRecord{Addresses: strings.Split(r.out.GlobalTopo.Ref.Address, ","), Root: string(r.out.GlobalTopo.Ref.RootPath)}
		return
	}
	cell.LocalTopo = local
	if e := local.External; e != nil {
		r.resolveExternalLocalTopo(cell, e, path.Child("external"))
		return
	}

	root := v1alpha1.RootPath("/multigres/" + cell.Name)
	cell.LocalTopoPVC = applyEtcd(local.Etcd, r.out.Images.Set.Etcd, root, r.out.PVCDeletionPolicy)
	r.checkEtcd(local.Etcd, path.Child("etcd"))
	address := serviceAddress(naming.LocalTopoServer(r.out.Name, cell.Name), r.out.Namespace)
	cell.Record = CellRecord{Addresses: r.plain(address), Root: string(local.Etcd.RootPath)}
}

func (r *resolver) resolveExternalLocalTopo(cell *Cell, e *v1alpha1.ExternalTopoServerSpec, path *field.Path) {
	e.Implementation = cmp.Or(e.Implementation, defaultImplementation)
	e.RootPath = cmp.Or(e.RootPath, v1alpha1.RootPath("/multigres/"+r.out.Namespace+"/"+r.out.Name+"/"+cell.Name))
	scheme, addresses := r.endpoints(e, path)
	cell.Record = CellRecord{Addresses: addresses, Root: string(e.RootPath)}
	if scheme != schemeHTTPS {
		cell.Record.Addresses = r.plain(addresses...)
		return
	}
	if ref := r.out.GlobalTopo.Ref; e.CASecret != ref.CASecret || e.ClientCertSecret != ref.ClientCertSecret {
		r.fail(field.Forbidden(path, capabilities.says("uses the certificates of the global topology server for the topology servers of all cells: caSecret and clientCertSecret must be the same")))
	}
}

// plain returns addresses of a server without TLS. The certificates that a component has for the global server apply to each
// address that does not say otherwise.
func (r *resolver) plain(addresses ...string) []string {
	if r.out.GlobalTopo.Ref.ClientCertSecret == "" {
		return addresses
	}
	out := make([]string, 0, len(addresses))
	for _, a := range addresses {
		out = append(out, schemeHTTP+"://"+a)
	}
	return out
}

// endpoints returns the scheme and the addresses, distinct, of an external server.
func (r *resolver) endpoints(e *v1alpha1.ExternalTopoServerSpec, path *field.Path) (scheme string, addresses []string) {
	for i, endpoint := range e.Endpoints {
		at := path.Child("endpoints").Index(i)
		s, address, err := parseEndpoint(string(endpoint), at)
		if err != nil {
			r.fail(err)
			continue
		}
		if scheme != "" && s != scheme {
			r.fail(field.Invalid(at, s, "must have the same scheme as the endpoints before it"))
			continue
		}
		scheme = s
		if !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	if len(e.Endpoints) == 0 {
		r.fail(field.Required(path.Child("endpoints"), "at least one endpoint is needed"))
	}
	r.fail(validateTopoTLS(e, scheme, path)...)
	r.fail(validateRoot(e.RootPath, path.Child("rootPath")))
	r.fail(capabilities.checkImplementation(e.Implementation, path.Child("implementation")))
	return scheme, addresses
}

func (r *resolver) checkEtcd(e *v1alpha1.EtcdSpec, path *field.Path) {
	r.fail(validateEtcd(e, path)...)
	if *e.Replicas == 1 {
		r.warn(ReasonSingleEtcdMember, path.Child("replicas").String()+": a single member is lost with its volume, and the number of members cannot be changed later")
	}
}

// serviceAddress is the address of a Service of a managed etcd.
func serviceAddress(service, namespace string) string {
	return naming.ServiceHost(service, namespace) + ":" + clientPort
}
