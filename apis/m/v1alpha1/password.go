package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// PasswordParameters say where a generated password is kept, and what it is like.
type PasswordParameters struct {
	// SecretName is the name of the Secret that holds the password, in the namespace of the Password.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="secretName is immutable: create another Password"
	SecretName string `json:"secretName"`

	// Key of the Secret that holds the password.
	// +kubebuilder:default=password
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="key is immutable: create another Password"
	// +optional
	Key string `json:"key,omitempty"`

	// Length of the password in characters. A change applies to the next password, it makes no new one.
	// +kubebuilder:default=32
	// +kubebuilder:validation:Minimum=8
	// +kubebuilder:validation:Maximum=128
	// +optional
	Length int32 `json:"length,omitempty"`

	// Rotation is any text, such as a date. A change of it, and nothing else, makes a new password.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Rotation string `json:"rotation,omitempty"`
}

// PasswordObservation says what is known about a generated password, which is never the password.
type PasswordObservation struct {
	// SecretName is the name of the Secret that holds the password.
	// +optional
	SecretName string `json:"secretName,omitempty"`

	// Key of the Secret that holds the password.
	// +optional
	Key string `json:"key,omitempty"`

	// CreatedAt is when the password was generated. It is absent if it was found and adopted.
	// +optional
	CreatedAt *metav1.Time `json:"createdAt,omitempty"`

	// Rotation that the password was generated for.
	// +optional
	Rotation string `json:"rotation,omitempty"`
}

// A PasswordSpec is the desired state of a Password.
type PasswordSpec struct {
	xpv2.ManagedResourceSpec `json:",inline"`

	// ForProvider says where the password is kept, and what it is like.
	ForProvider PasswordParameters `json:"forProvider"`
}

// A PasswordStatus is the observed state of a Password.
type PasswordStatus struct {
	xpv2.ManagedResourceStatus `json:",inline"`

	// AtProvider says what is known about the password.
	// +optional
	AtProvider PasswordObservation `json:"atProvider,omitempty"`
}

// A Password is a generated password in a Secret. It is generated once and never rewritten, unless a rotation is asked
// for; a Secret that holds the key already is adopted. To retain the Secret when the Password is deleted, leave Delete out
// of managementPolicies.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,categories={crossplane,managed,multigres},shortName=mgpass
// +kubebuilder:printcolumn:name="READY",type="string",JSONPath=".status.conditions[?(@.type=='Ready')].status"
// +kubebuilder:printcolumn:name="SYNCED",type="string",JSONPath=".status.conditions[?(@.type=='Synced')].status"
// +kubebuilder:printcolumn:name="EXTERNAL-NAME",type="string",JSONPath=".metadata.annotations.crossplane\\.io/external-name"
// +kubebuilder:printcolumn:name="SECRET",type="string",JSONPath=".spec.forProvider.secretName"
// +kubebuilder:printcolumn:name="CREATED",type="date",JSONPath=".status.atProvider.createdAt",priority=1
// +kubebuilder:printcolumn:name="AGE",type="date",JSONPath=".metadata.creationTimestamp"
type Password struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   PasswordSpec   `json:"spec"`
	Status PasswordStatus `json:"status,omitempty"`
}

// A PasswordList is a list of Passwords.
//
// +kubebuilder:object:root=true
type PasswordList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Password `json:"items"`
}

// PasswordKind is the kind of a Password.
const PasswordKind = "Password"

// Group, API version and kind of a Password in the forms that Crossplane's controllers ask for.
var (
	PasswordGroupKind        = schema.GroupKind{Group: Group, Kind: PasswordKind}.String()
	PasswordKindAPIVersion   = PasswordKind + "." + SchemeGroupVersion.String()
	PasswordGroupVersionKind = SchemeGroupVersion.WithKind(PasswordKind)
)
