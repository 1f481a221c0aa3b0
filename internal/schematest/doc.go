// Package schematest validates objects against a CustomResourceDefinition or a CompositeResourceDefinition in tests, with
// the libraries that the API server and Crossplane use, so that no API server is needed to know what one would say.
//
// Load a definition with LoadCRD, LoadXRD (the composite resource) or LoadClaim (the claim of a legacy composite
// resource). The Schema that comes back can do what an API server does to an object, in this order: PruneUnknown, Default,
// Validate. CheckDefinition says whether an API server would accept the definition itself, including the limits on the
// cost of its CEL rules. Rules lists all CEL rules, and CheckRules proves that a table of RuleCases accepts and refuses by
// each of them.
//
// Objects are maps as the API server has them: whole numbers are int64, and slices and maps are untyped. Decode makes one
// from YAML, Encode from a typed object, With and Without make changed copies. Validate and CheckRules take any map and
// bring it into that form themselves; Default and PruneUnknown change their argument in place and need it as it is.
package schematest
