package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group and version of all kinds of this package.
const (
	// Group is the API group of the kinds of this package.
	Group = "m.multigres.com"

	// Version is the API version of the kinds of this package.
	Version = "v1alpha1"
)

// SchemeGroupVersion is the group and version that the kinds of this package are registered under.
var SchemeGroupVersion = schema.GroupVersion{Group: Group, Version: Version}

// SchemeBuilder collects the functions that register the kinds of this package.
var SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

// AddToScheme registers the kinds of this package, and their lists, with a scheme.
var AddToScheme = SchemeBuilder.AddToScheme

func addKnownTypes(s *runtime.Scheme) error {
	s.AddKnownTypes(SchemeGroupVersion,
		&CellRecord{}, &CellRecordList{},
		&ClusterProviderConfig{}, &ClusterProviderConfigList{},
		&DatabaseRecord{}, &DatabaseRecordList{},
		&Password{}, &PasswordList{},
		&ProviderConfig{}, &ProviderConfigList{},
		&ProviderConfigUsage{}, &ProviderConfigUsageList{},
		&ShardRecord{}, &ShardRecordList{},
		&TLSCertificate{}, &TLSCertificateList{},
		&VolumeClaim{}, &VolumeClaimList{},
	)
	metav1.AddToGroupVersion(s, SchemeGroupVersion)

	return nil
}
