package compose

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// An InvalidError says everything that is wrong with what the user wrote, each problem with the path of its field.
type InvalidError struct {
	// Problems are distinct and sorted.
	Problems []string
}

// Error returns all problems in one line.
func (e *InvalidError) Error() string { return strings.Join(e.Problems, "; ") }

// Invalid turns a list of problems into an error, and no problems into none.
func Invalid(errs field.ErrorList) error {
	if len(errs) == 0 {
		return nil
	}
	ps := make([]string, 0, len(errs))
	for _, e := range errs {
		ps = append(ps, strings.Join(strings.Fields(e.Error()), " "))
	}
	slices.Sort(ps)
	return &InvalidError{Problems: slices.Compact(ps)}
}
