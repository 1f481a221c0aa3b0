package object

import (
	"regexp"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/api/resource"
)

// ErrNoQuantity means that a text is not a quantity.
var ErrNoQuantity = errors.New("must be a quantity such as 500m or 10Gi")

// longestQuantity bounds the digits of a quantity. The largest one that Kubernetes keeps exactly has nineteen.
const longestQuantity = 64

// quantity is the form of a quantity. Its exponent has two digits at most: Kubernetes' own parser and comparison take for ever
// over one of nine.
var quantity = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2}|[numkMGTPE]|[KMGTPE]i)?$`)

// ParseQuantity parses a Kubernetes quantity. Unlike the library's own parser it takes a moment whatever the text is. The error
// is ErrNoQuantity.
func ParseQuantity(s string) (resource.Quantity, error) {
	if len(s) > longestQuantity || !quantity.MatchString(s) {
		return resource.Quantity{}, ErrNoQuantity
	}
	q, err := resource.ParseQuantity(s)
	if err != nil {
		return resource.Quantity{}, ErrNoQuantity
	}
	return q, nil
}
