// Package render holds every example against Crossplane's own programs, against its golden files, against the schemas of all
// kinds, and against what a function must never do. `make render` runs it; `make golden` writes the golden files anew.
package render
