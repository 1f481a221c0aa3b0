package v1alpha1

// A ZoneName is the value of a node label that says where a node is.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
type ZoneName string

// A CellConfig describes a cell, a failure domain of a cluster. A cell that
// disappears from the list is drained and then removed.
// +kubebuilder:validation:XValidation:rule="[has(self.zoneId), has(self.region), has(self.zone)].filter(x, x).size() <= 1",message="zoneId, region and zone are mutually exclusive"
// +kubebuilder:validation:XValidation:rule="has(self.zoneId) || has(self.region) || has(self.zone)",message="a cell needs one of zoneId, region and zone"
// +kubebuilder:validation:XValidation:rule="has(self.zoneId) == has(oldSelf.zoneId) && (!has(self.zoneId) || self.zoneId == oldSelf.zoneId)",message="zoneId of a cell cannot be changed; add a new cell instead"
// +kubebuilder:validation:XValidation:rule="has(self.region) == has(oldSelf.region) && (!has(self.region) || self.region == oldSelf.region)",message="region of a cell cannot be changed; add a new cell instead"
// +kubebuilder:validation:XValidation:rule="has(self.zone) == has(oldSelf.zone) && (!has(self.zone) || self.zone == oldSelf.zone)",message="zone of a cell cannot be changed; add a new cell instead"
// +kubebuilder:validation:XValidation:rule="!(has(self.spec) && has(self.cellTemplate))",message="spec and cellTemplate of a cell are mutually exclusive"
// +kubebuilder:validation:XValidation:rule="!(has(self.spec) && has(self.overrides))",message="spec and overrides of a cell are mutually exclusive"
type CellConfig struct {
	// Name of the cell.
	Name CellName `json:"name"`

	// ZoneID selects nodes by the label topology.k8s.aws/zone-id. It cannot be
	// changed.
	// +optional
	ZoneID ZoneName `json:"zoneId,omitempty"`

	// Region selects nodes by the label topology.kubernetes.io/region. It cannot
	// be changed.
	// +optional
	Region ZoneName `json:"region,omitempty"`

	// Zone selects nodes by the label topology.kubernetes.io/zone. It cannot be
	// changed.
	// +optional
	Zone ZoneName `json:"zone,omitempty"`

	// CellTemplate is the name of a CellTemplate. Defaults to that of
	// templateDefaults, else to the template named default if there is one.
	// +optional
	CellTemplate TemplateName `json:"cellTemplate,omitempty"`

	// Overrides are merged over the template.
	// +optional
	Overrides *CellOverrides `json:"overrides,omitempty"`

	// Spec configures the cell in place.
	// +optional
	Spec *CellInlineSpec `json:"spec,omitempty"`
}

// CellOverrides change single settings of a cell's template.
type CellOverrides struct {
	// Multigateway configures the gateways.
	// +optional
	Multigateway *MultigatewaySpec `json:"multigateway,omitempty"`

	// MultigatewayPlacement is the placement of the gateways.
	// +optional
	MultigatewayPlacement *PodPlacementSpec `json:"multigatewayPlacement,omitempty"`
}

// A CellInlineSpec configures a cell in place.
type CellInlineSpec struct {
	// Multigateway configures the gateways.
	// +optional
	Multigateway *MultigatewaySpec `json:"multigateway,omitempty"`

	// MultigatewayPlacement is the placement of the gateways.
	// +optional
	MultigatewayPlacement *PodPlacementSpec `json:"multigatewayPlacement,omitempty"`

	// LocalTopoServer keeps the metadata of this cell. By default the global
	// topology server does.
	// +optional
	LocalTopoServer *LocalTopoServerSpec `json:"localTopoServer,omitempty"`
}
