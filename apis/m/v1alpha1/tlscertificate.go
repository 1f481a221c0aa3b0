package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A CertificateUsage is what a certificate may be used for.
// +kubebuilder:validation:Enum=server auth;client auth
type CertificateUsage string

const (
	// CertificateUsageServerAuth lets a server prove who it is.
	CertificateUsageServerAuth CertificateUsage = "server auth"

	// CertificateUsageClientAuth lets a client prove who it is.
	CertificateUsageClientAuth CertificateUsage = "client auth"
)

// An IssuerReference names an issuer of cert-manager.
type IssuerReference struct {
	// Name of the issuer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Kind of the issuer. An Issuer must be in the namespace of the TLSCertificate.
	// +kubebuilder:default=Issuer
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Kind string `json:"kind,omitempty"`

	// Group of the issuer.
	// +kubebuilder:default=cert-manager.io
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Group string `json:"group,omitempty"`
}

// TLSCertificateParameters say what a certificate is to prove, and who signs it.
//
// +kubebuilder:validation:XValidation:rule="has(self.caSecretName) != has(self.issuerRef)",message="exactly one of caSecretName and issuerRef must be set"
// +kubebuilder:validation:XValidation:rule="has(self.caSecretName) == has(oldSelf.caSecretName) && (!has(self.caSecretName) || self.caSecretName == oldSelf.caSecretName)",message="caSecretName is immutable: create another TLSCertificate"
// +kubebuilder:validation:XValidation:rule="!has(self.caSecretName) || self.caSecretName != self.secretName",message="caSecretName and secretName must differ"
// +kubebuilder:validation:XValidation:rule="has(self.commonName) || (has(self.dnsNames) && size(self.dnsNames) > 0)",message="commonName or a dnsName must be set"
// +kubebuilder:validation:XValidation:rule="!has(self.duration) || duration(self.duration) >= duration('1h')",message="duration must be at least 1h"
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || !has(self.duration) || (duration(self.renewBefore) > duration('0s') && duration(self.renewBefore) < duration(self.duration))",message="renewBefore must be more than zero and less than duration"
// +kubebuilder:validation:XValidation:rule="has(self.issuerRef) || !has(self.caDuration) || !has(self.duration) || duration(self.caDuration) > duration(self.duration)",message="caDuration must be more than duration"
type TLSCertificateParameters struct {
	// SecretName is the name of the Secret that holds the certificate, in the namespace of the TLSCertificate, under the
	// keys ca.crt, tls.crt and tls.key.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="secretName is immutable: create another TLSCertificate"
	SecretName string `json:"secretName"`

	// CASecretName is the name of the Secret that holds the certificate authority that signs the certificate, in the
	// namespace of the TLSCertificate. It is made if it does not exist; certificates that name the same Secret trust each
	// other. One that was made goes with the last certificate that names it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	CASecretName string `json:"caSecretName,omitempty"`

	// CommonName of the certificate's subject.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +optional
	CommonName string `json:"commonName,omitempty"`

	// DNSNames that the certificate is valid for. A leading wildcard label is allowed.
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^(\*\.)?[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)*$`
	// +listType=set
	// +optional
	DNSNames []string `json:"dnsNames,omitempty"`

	// Usages that the certificate is good for.
	// +kubebuilder:default={"server auth","client auth"}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	// +listType=set
	// +optional
	Usages []CertificateUsage `json:"usages,omitempty"`

	// Duration that a certificate is valid for, at least 1h. Units are those of Go: h, m, s.
	// +kubebuilder:default="2160h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
	// +optional
	Duration *metav1.Duration `json:"duration,omitempty"`

	// RenewBefore is how long before its end a certificate is replaced.
	// +kubebuilder:default="720h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
	// +optional
	RenewBefore *metav1.Duration `json:"renewBefore,omitempty"`

	// CADuration is how long a certificate authority made here is valid for. It must outlast what it signs. It means
	// nothing with an issuerRef.
	// +kubebuilder:default="87600h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
	// +optional
	CADuration *metav1.Duration `json:"caDuration,omitempty"`

	// IssuerRef is the issuer of cert-manager that signs the certificate, in place of an authority of our own.
	// +optional
	IssuerRef *IssuerReference `json:"issuerRef,omitempty"`
}

// TLSCertificateObservation is what the current certificate says.
type TLSCertificateObservation struct {
	// NotBefore is when the certificate starts to be valid.
	// +optional
	NotBefore *metav1.Time `json:"notBefore,omitempty"`

	// NotAfter is when the certificate stops being valid.
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`

	// Serial is the certificate's serial number, in hexadecimal.
	// +optional
	Serial string `json:"serial,omitempty"`

	// RenewalTime is when the certificate is to be replaced.
	// +optional
	RenewalTime *metav1.Time `json:"renewalTime,omitempty"`

	// CANotAfter is when the certificate of the signing authority stops being valid.
	// +optional
	CANotAfter *metav1.Time `json:"caNotAfter,omitempty"`

	// Revision is how many certificates the Secret has had, the current one included.
	// +optional
	Revision int64 `json:"revision,omitempty"`

	// Renewals is how often the certificate was replaced, or got an authority to trust, such that a program that loaded it
	// before must load it anew: what it holds ends soon, or does not trust the others any more. A certificate that was
	// replaced for other names or usages ends when the one before it did, and does not count.
	// +optional
	Renewals int64 `json:"renewals,omitempty"`
}

// A TLSCertificateSpec is the desired state of a TLSCertificate.
type TLSCertificateSpec struct {
	xpv2.ManagedResourceSpec `json:",inline"`

	// ForProvider says what the certificate is to prove, and who signs it.
	ForProvider TLSCertificateParameters `json:"forProvider"`
}

// A TLSCertificateStatus is the observed state of a TLSCertificate.
type TLSCertificateStatus struct {
	xpv2.ManagedResourceStatus `json:",inline"`

	// AtProvider is what the current certificate says.
	// +optional
	AtProvider TLSCertificateObservation `json:"atProvider,omitempty"`
}

// A TLSCertificate is a certificate in a Secret, with its key and with the certificate of the authority that signed it. It
// is renewed before it ends.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,categories={crossplane,managed,multigres},shortName=mgcert
// +kubebuilder:printcolumn:name="READY",type="string",JSONPath=".status.conditions[?(@.type=='Ready')].status"
// +kubebuilder:printcolumn:name="SYNCED",type="string",JSONPath=".status.conditions[?(@.type=='Synced')].status"
// +kubebuilder:printcolumn:name="EXTERNAL-NAME",type="string",JSONPath=".metadata.annotations.crossplane\\.io/external-name"
// +kubebuilder:printcolumn:name="SECRET",type="string",JSONPath=".spec.forProvider.secretName"
// +kubebuilder:printcolumn:name="NOT-AFTER",type="string",JSONPath=".status.atProvider.notAfter"
// +kubebuilder:printcolumn:name="RENEWAL",type="string",JSONPath=".status.atProvider.renewalTime",priority=1
// +kubebuilder:printcolumn:name="AGE",type="date",JSONPath=".metadata.creationTimestamp"
type TLSCertificate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   TLSCertificateSpec   `json:"spec"`
	Status TLSCertificateStatus `json:"status,omitempty"`
}

// A TLSCertificateList is a list of TLSCertificates.
//
// +kubebuilder:object:root=true
type TLSCertificateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []TLSCertificate `json:"items"`
}

// TLSCertificateKind is the kind of a TLSCertificate.
const TLSCertificateKind = "TLSCertificate"

// Group, API version and kind of a TLSCertificate in the forms that Crossplane's controllers ask for.
var (
	TLSCertificateGroupKind        = schema.GroupKind{Group: Group, Kind: TLSCertificateKind}.String()
	TLSCertificateKindAPIVersion   = TLSCertificateKind + "." + SchemeGroupVersion.String()
	TLSCertificateGroupVersionKind = SchemeGroupVersion.WithKind(TLSCertificateKind)
)
