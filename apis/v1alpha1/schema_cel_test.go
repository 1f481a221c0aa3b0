package v1alpha1_test

import (
	"testing"

	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// visit calls a function for a schema and all schemas in it.
func visit(node *extv1.JSONSchemaProps, path string, f func(path string, node *extv1.JSONSchemaProps)) {
	f(path, node)

	for name, child := range node.Properties {
		visit(&child, path+"."+name, f)
	}

	if node.Items != nil && node.Items.Schema != nil {
		visit(node.Items.Schema, path+"[*]", f)
	}

	if node.AdditionalProperties != nil && node.AdditionalProperties.Schema != nil {
		visit(node.AdditionalProperties.Schema, path+"[*]", f)
	}
}

// Crossplane applies the whole status or nothing of it, so one value that the
// schema refuses would leave people without any status.
func TestStatusRefusesNothing(t *testing.T) {
	for plural, s := range definitions(t) {
		t.Run(plural, func(t *testing.T) {
			status := s.Definition().Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["status"]

			// These are Crossplane's.
			delete(status.Properties, "conditions")
			delete(status.Properties, "claimConditionTypes")

			visit(&status, "status", func(path string, node *extv1.JSONSchemaProps) {
				if len(node.Required)+len(node.Enum)+len(node.XValidations) > 0 || node.Pattern != "" ||
					node.MinLength != nil || node.MaxLength != nil || node.MinItems != nil || node.MaxItems != nil ||
					node.MinProperties != nil || node.MaxProperties != nil || node.Minimum != nil || node.Maximum != nil {
					t.Errorf("%s: a status must not refuse a value", path)
				}

				if node.XListType != nil && *node.XListType == "set" {
					t.Errorf("%s: a status must not refuse a duplicate", path)
				}

				if node.XListType == nil && node.Type == "array" {
					t.Errorf("%s: a list must say how it is merged", path)
				}
			})
		})
	}
}

// What is left out is decided when a cluster is composed. A default in the
// schema would be written into what people keep in Git, and would hide that
// nobody asked for it.
func TestNoDefaults(t *testing.T) {
	for plural, s := range definitions(t) {
		t.Run(plural, func(t *testing.T) {
			spec := s.Definition().Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]

			visit(&spec, "spec", func(path string, node *extv1.JSONSchemaProps) {
				// Kubernetes' own reference to a Secret has an empty name by default.
				if node.Default != nil && string(node.Default.Raw) != `""` {
					t.Errorf("%s: there is a default: %s", path, node.Default.Raw)
				}
			})
		})
	}
}
