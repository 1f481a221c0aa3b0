package v1alpha1

import (
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
)

// These are here, and not beside the types, because the generator of the methods must be able to load the package before
// there are any.
var (
	_ resource.ModernManaged = &CellRecord{}
	_ resource.ModernManaged = &DatabaseRecord{}
	_ resource.ModernManaged = &Password{}
	_ resource.ModernManaged = &ShardRecord{}
	_ resource.ModernManaged = &TLSCertificate{}
	_ resource.ModernManaged = &VolumeClaim{}

	_ resource.ManagedList = &CellRecordList{}
	_ resource.ManagedList = &DatabaseRecordList{}
	_ resource.ManagedList = &PasswordList{}
	_ resource.ManagedList = &ShardRecordList{}
	_ resource.ManagedList = &TLSCertificateList{}
	_ resource.ManagedList = &VolumeClaimList{}

	_ resource.ProviderConfig           = &ClusterProviderConfig{}
	_ resource.ProviderConfig           = &ProviderConfig{}
	_ resource.TypedProviderConfigUsage = &ProviderConfigUsage{}
	_ resource.ProviderConfigUsageList  = &ProviderConfigUsageList{}
)
