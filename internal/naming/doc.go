// Package naming makes every object name, label, annotation and
// composed-resource key. Nothing else builds strings into names, so that a
// name a Service selects, a Pod carries and a status reports cannot drift
// apart. The package is pure and imports only the standard library.
package naming
