package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// CellRecordParameters are the desired content of a cell's record in the global topology.
type CellRecordParameters struct {
	// Cell is the cell's name, a DNS label. It is the record's identity and part of its key.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="cell is immutable: create another CellRecord"
	Cell string `json:"cell"`

	// ServerAddresses are the client endpoints (host:port or URL) of the topology server that holds the records of this
	// cell's components. A cell without a topology server of its own uses the global one's.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +listType=set
	ServerAddresses []string `json:"serverAddresses"`

	// Root is the path below which the records of this cell's components are kept.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^/\S+$`
	Root string `json:"root"`
}

// CellRecordObservation is the observed content of a cell's record.
type CellRecordObservation struct {
	// Cell is the name in the record.
	// +optional
	Cell string `json:"cell,omitempty"`

	// ServerAddresses are the addresses in the record.
	// +listType=atomic
	// +optional
	ServerAddresses []string `json:"serverAddresses,omitempty"`

	// Root is the root in the record.
	// +optional
	Root string `json:"root,omitempty"`

	// Revision is the revision of the topology server at which the record was last written. It moves only when the
	// record changes.
	// +optional
	Revision int64 `json:"revision,omitempty"`
}

// A CellRecordSpec is the desired state of a CellRecord.
type CellRecordSpec struct {
	xpv2.ManagedResourceSpec `json:",inline"`

	// ForProvider is the desired content of the record.
	ForProvider CellRecordParameters `json:"forProvider"`
}

// A CellRecordStatus is the observed state of a CellRecord.
type CellRecordStatus struct {
	xpv2.ManagedResourceStatus `json:",inline"`

	// AtProvider is the observed content of the record.
	// +optional
	AtProvider CellRecordObservation `json:"atProvider,omitempty"`
}

// A CellRecord is the record of one cell in the global topology of a Multigres cluster. It tells every component where
// the records of that cell's components are. It is not deleted while a database record lists the cell.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,categories={crossplane,managed,multigres},shortName=cellrec
// +kubebuilder:printcolumn:name="READY",type="string",JSONPath=".status.conditions[?(@.type=='Ready')].status"
// +kubebuilder:printcolumn:name="SYNCED",type="string",JSONPath=".status.conditions[?(@.type=='Synced')].status"
// +kubebuilder:printcolumn:name="EXTERNAL-NAME",type="string",JSONPath=".metadata.annotations.crossplane\\.io/external-name"
// +kubebuilder:printcolumn:name="CELL",type="string",JSONPath=".spec.forProvider.cell"
// +kubebuilder:printcolumn:name="ROOT",type="string",JSONPath=".spec.forProvider.root",priority=1
// +kubebuilder:printcolumn:name="AGE",type="date",JSONPath=".metadata.creationTimestamp"
type CellRecord struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   CellRecordSpec   `json:"spec"`
	Status CellRecordStatus `json:"status,omitempty"`
}

// A CellRecordList is a list of CellRecords.
//
// +kubebuilder:object:root=true
type CellRecordList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []CellRecord `json:"items"`
}

// CellRecordKind is the kind of a CellRecord.
const CellRecordKind = "CellRecord"

// Group, API version and kind of a CellRecord in the forms that Crossplane's controllers ask for.
var (
	CellRecordGroupKind        = schema.GroupKind{Group: Group, Kind: CellRecordKind}.String()
	CellRecordKindAPIVersion   = CellRecordKind + "." + SchemeGroupVersion.String()
	CellRecordGroupVersionKind = SchemeGroupVersion.WithKind(CellRecordKind)
)
