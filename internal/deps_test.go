// Placeholder keeping the pinned modules in go.mod until their users land.
package internal

import (
	_ "github.com/alecthomas/kong"
	_ "github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	_ "github.com/crossplane/function-sdk-go"
	_ "github.com/google/go-cmp/cmp"
	_ "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	_ "k8s.io/client-go/applyconfigurations/core/v1"
	_ "pgregory.net/rapid"
	_ "sigs.k8s.io/controller-runtime/pkg/client"
)
