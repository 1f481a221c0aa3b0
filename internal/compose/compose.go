// Package compose holds what the composers of all our composite resources share: the input that they decide on, the output
// that they return, the rules by which a desired resource is created, kept or held back, and the readiness of everything that
// they compose. One package below this one composes one kind of composite resource.
//
// All of it is pure: the same input gives the same output, and nothing is read or written but the arguments.
package compose

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// A Composer decides what one composite resource becomes. Any error means that nothing is known to be right: the caller must
// then change nothing at all. A Composer never returns an output in which something is missing because of an error.
type Composer func(in Input) (Output, error)

// An Input is everything that a decision rests on.
type Input struct {
	// XR is the composite resource as the API server has it.
	XR object.Object

	// Observed are the resources that the composite has composed so far, by their composed-resource key.
	Observed map[string]object.Object

	// Required are the resources that were asked for, by the name of their Requirement. A name that is absent was not asked
	// for yet; a name with no objects was, and nothing matched.
	Required map[string][]object.Object

	// Now is the time of the decision. Output depends on it only where a deadline passes.
	Now time.Time
}

// An Object is a typed API object.
type Object interface {
	runtime.Object
	metav1.Object
}

// A Resource is one desired composed resource.
type Resource struct {
	// Object is the resource as it should be. Its TypeMeta must be set.
	Object Object

	// Kept is what is applied instead of Object to leave an observed resource just as it is.
	Kept object.Object

	// Ready says whether the resource does what it is there for.
	Ready bool
}

// A Requirement asks for other objects of the composite's namespace, by name or by labels.
type Requirement struct {
	APIVersion string
	Kind       string
	Namespace  string
	Name       string
	Labels     map[string]string
}

// A Condition is one condition of the composite resource. The types Ready and Synced are Crossplane's own.
type Condition struct {
	Type    string
	Status  metav1.ConditionStatus
	Reason  string
	Message string
}

// An Event tells a person that something happened. It must be returned only by the pass in which it does.
type Event struct {
	Warning bool
	Reason  string
	Message string
}

// An Output is what a composite resource becomes.
type Output struct {
	// Requirements are the objects that the next call must have in Input.Required. They must be the same in every call for
	// the same composite, or Crossplane asks again and again.
	Requirements map[string]Requirement

	// Resources are all resources that should exist, by their composed-resource key. What is observed and not among them is
	// deleted.
	Resources map[string]Resource

	// Status points to the composite's status, of which Crossplane owns the conditions. Nil leaves the status alone.
	Status any

	// Ready says whether the composite serves those who use it.
	Ready bool

	// InProgress is true while something is expected to change soon.
	InProgress bool

	Conditions []Condition
	Events     []Event

	// ConnectionDetails are the composite's connection details. Only legacy composites, those with a claim, have any.
	ConnectionDetails map[string][]byte
}

// Unanswered is true if the input lacks an answer to one of the requirements.
func (in Input) Unanswered(rs map[string]Requirement) bool {
	for name := range rs {
		if _, ok := in.Required[name]; !ok {
			return true
		}
	}
	return false
}

// Find returns the first object that answers the named requirement. It does not exist if nothing matched.
func (in Input) Find(name string) object.Object {
	if os := in.Required[name]; len(os) > 0 {
		return os[0]
	}
	return object.Object{}
}

// Ask returns the output of a call whose requirements are not answered yet. Everything that is observed stays as it is, so
// that nothing is lost even where nobody answers.
func Ask(in Input, rs map[string]Requirement) (Output, error) {
	s := NewSet(in.Observed)
	for key := range in.Observed {
		if err := s.Keep(key); err != nil {
			return Output{}, err
		}
	}
	return Output{Requirements: rs, Resources: s.Resources(), InProgress: true}, nil
}
