package fn

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
)

// composers holds one composer per kind of composite resource.
var composers = map[schema.GroupKind]compose.Composer{}
