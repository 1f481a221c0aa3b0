package resolve

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// resolveCells resolves the cells of the cluster. It needs the global topology server.
func (r *resolver) resolveCells() {
	path := r.root.Child("cells")
	if len(r.spec.Cells) == 0 {
		r.fail(field.Required(path, "a cluster needs at least one cell"))
	}
	for i := range r.spec.Cells {
		r.out.Cells = append(r.out.Cells, r.cell(i, path.Index(i)))
	}
}

func (r *resolver) cell(i int, path *field.Path) Cell {
	c := r.spec.Cells[i]
	template := r.cellTemplate(r.cellChoice(i))
	out := Cell{
		Name:           string(c.Name),
		ZoneID:         string(c.ZoneID),
		Region:         string(c.Region),
		Zone:           string(c.Zone),
		TopologyLabels: topologyLabels(c),
		Template:       template.name,
		Placement:      template.spec.MultigatewayPlacement,
	}
	r.fail(capabilities.checkCell(out.Name, path.Child("name")))

	gatewayPath := path
	out.Gateway = mergeGateway(out.Gateway, template.spec.Multigateway)
	local := template.spec.LocalTopoServer
	if o := c.Overrides; o != nil {
		out.Gateway = mergeGateway(out.Gateway, o.Multigateway)
		out.Placement = cmp.Or(o.MultigatewayPlacement, out.Placement)
		gatewayPath = path.Child("overrides")
	}
	if s := c.Spec; s != nil {
		out.Gateway = mergeGateway(out.Gateway, s.Multigateway)
		out.Placement = cmp.Or(s.MultigatewayPlacement, out.Placement)
		local = cmp.Or(s.LocalTopoServer, local)
		gatewayPath = path.Child("spec")
	}
	multigatewayDefaults.apply(&out.Gateway.StatelessSpec)
	applyBuffer(&out.Gateway)

	gatewayPath = gatewayPath.Child("multigateway")
	r.fail(fromTemplate("CellTemplate", template.name, validateResources(out.Gateway.Resources, gatewayPath.Child("resources")))...)
	r.fail(fromTemplate("CellTemplate", template.name, validateBuffer(*out.Gateway.Buffer, gatewayPath.Child("buffer")))...)

	r.resolveLocalTopo(&out, local, path.Child("spec", "localTopoServer"))
	return out
}

// topologyLabels returns the labels of the nodes of a cell. Nil selects all nodes.
func topologyLabels(c v1alpha1.CellConfig) map[string]string {
	switch {
	case c.ZoneID != "":
		return map[string]string{naming.NodeLabelZoneID: string(c.ZoneID)}
	case c.Region != "":
		return map[string]string{naming.NodeLabelRegion: string(c.Region)}
	case c.Zone != "":
		return map[string]string{naming.NodeLabelZone: string(c.Zone)}
	}
	return nil
}

// cellNames returns the names of all cells of the spec, sorted.
func (r *resolver) cellNames() []v1alpha1.CellName {
	out := make([]v1alpha1.CellName, 0, len(r.spec.Cells))
	for _, c := range r.spec.Cells {
		out = append(out, c.Name)
	}
	slices.Sort(out)
	return out
}
