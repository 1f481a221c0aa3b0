package schematest

import (
	"context"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/common"
)

// Validate returns what an API server has against the supplied object: against its creation if old is nil, else against
// the update from old. As in the API server an update is not refused for what it leaves unchanged, CEL rules are evaluated
// within the run-time cost budget, and they are not evaluated if the object does not have the form they need. Nothing is
// defaulted or pruned; call Default and PruneUnknown first where it matters. The rules of Kubernetes for metadata are not
// part of a schema and not checked.
func (s *Schema) Validate(obj, old map[string]any) field.ErrorList {
	obj, err := normalize(obj)
	if err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}

	if old == nil {
		return s.validateCreate(obj)
	}

	old, err = normalize(old)
	if err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}

	return s.validateUpdate(obj, old)
}

// Default fills the defaults of the schema in, in place, after removing nulls as the API server does.
func (s *Schema) Default(obj map[string]any) {
	defaulting.PruneNonNullableNullsWithoutDefaults(obj, s.structural)
	defaulting.Default(obj, s.structural)
}

// PruneUnknown removes all fields that the schema does not know, in place, and returns their paths, sorted. With strict
// field validation an API server refuses what it would remove.
func (s *Schema) PruneUnknown(obj map[string]any) []string {
	return pruning.PruneWithOptions(obj, s.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
}

func (s *Schema) validateCreate(obj map[string]any) field.ErrorList {
	errs := validation.ValidateCustomResource(nil, obj, s.validator)
	errs = append(errs, objectmeta.Validate(nil, obj, s.structural, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, obj)...)

	if blocked(errs) || s.cel == nil {
		return errs
	}

	found, _ := s.cel.Validate(context.Background(), nil, s.structural, obj, nil, celconfig.RuntimeCELCostBudget)

	return append(errs, found...)
}

func (s *Schema) validateUpdate(obj, old map[string]any) field.ErrorList {
	correlated := common.NewCorrelatedObject(obj, old, &model.Structural{Structural: s.structural})

	errs := validation.ValidateCustomResourceUpdate(nil, obj, old, s.validator, validation.WithRatcheting(correlated))
	errs = append(errs, objectmeta.Validate(nil, obj, s.structural, false)...)

	if len(listtype.ValidateListSetsAndMaps(nil, s.structural, old)) == 0 {
		errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, obj)...)
	}

	if blocked(errs) || s.cel == nil {
		return errs
	}

	found, _ := s.cel.Validate(context.Background(), nil, s.structural, obj, old, celconfig.RuntimeCELCostBudget, cel.WithRatcheting(correlated))

	return append(errs, found...)
}

// blocked is true if an API server would not evaluate CEL rules after the supplied errors.
func blocked(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type { //nolint:exhaustive // Only these types keep rules from being evaluated.
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		}
	}

	return false
}
