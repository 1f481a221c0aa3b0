package v1alpha1

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestAddToScheme(t *testing.T) {
	s := runtime.NewScheme()
	if err := AddToScheme(s); err != nil {
		t.Fatalf("AddToScheme(...): %v", err)
	}

	cases := map[string]struct {
		reason string
		obj    runtime.Object
		want   schema.GroupVersionKind
	}{
		"CellRecord":            {reason: "The kind's constant should name the registered kind.", obj: &CellRecord{}, want: CellRecordGroupVersionKind},
		"ClusterProviderConfig": {reason: "The kind's constant should name the registered kind.", obj: &ClusterProviderConfig{}, want: ClusterProviderConfigGroupVersionKind},
		"DatabaseRecord":        {reason: "The kind's constant should name the registered kind.", obj: &DatabaseRecord{}, want: DatabaseRecordGroupVersionKind},
		"Password":              {reason: "The kind's constant should name the registered kind.", obj: &Password{}, want: PasswordGroupVersionKind},
		"ProviderConfig":        {reason: "The kind's constant should name the registered kind.", obj: &ProviderConfig{}, want: ProviderConfigGroupVersionKind},
		"ProviderConfigUsage":   {reason: "The kind's constant should name the registered kind.", obj: &ProviderConfigUsage{}, want: ProviderConfigUsageGroupVersionKind},
		"ProviderConfigUsages":  {reason: "The list's constant should name the registered list.", obj: &ProviderConfigUsageList{}, want: ProviderConfigUsageListGroupVersionKind},
		"ShardRecord":           {reason: "The kind's constant should name the registered kind.", obj: &ShardRecord{}, want: ShardRecordGroupVersionKind},
		"TLSCertificate":        {reason: "The kind's constant should name the registered kind.", obj: &TLSCertificate{}, want: TLSCertificateGroupVersionKind},
		"VolumeClaim":           {reason: "The kind's constant should name the registered kind.", obj: &VolumeClaim{}, want: VolumeClaimGroupVersionKind},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, _, err := s.ObjectKinds(tc.obj)
			if err != nil {
				t.Fatalf("\n%s\nObjectKinds(...): %v", tc.reason, err)
			}

			if diff := cmp.Diff([]schema.GroupVersionKind{tc.want}, got); diff != "" {
				t.Errorf("\n%s\nObjectKinds(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// Every list must hold items of its own kind: the reconcilers of Crossplane use what they find there as what they look for.
func TestListItems(t *testing.T) {
	s := runtime.NewScheme()
	if err := AddToScheme(s); err != nil {
		t.Fatalf("AddToScheme(...): %v", err)
	}

	types := s.KnownTypes(SchemeGroupVersion)
	for kind, list := range types {
		item, ok := types[kind+"List"]
		if !ok || list.PkgPath() != reflect.TypeFor[CellRecord]().PkgPath() {
			continue
		}

		items, ok := item.FieldByName("Items")
		if !ok {
			t.Errorf("%sList has no items", kind)
			continue
		}

		if diff := cmp.Diff(list.Name(), items.Type.Elem().Name()); diff != "" {
			t.Errorf("%sList: items: -want, +got:\n%s", kind, diff)
		}
	}
}
