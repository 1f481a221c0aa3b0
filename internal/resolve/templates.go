package resolve

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// implicitTemplate is the name of the template that applies where none is named. There need not be one.
const implicitTemplate = "default"

// TemplateNames are names of templates by kind, each list sorted and distinct.
type TemplateNames struct {
	Core  []string
	Cell  []string
	Shard []string
}

// Names returns the name of every template that a spec uses or may use: those that it names, and default for each kind of which
// some component names none.
func Names(spec *v1alpha1.MultigresClusterSpec) TemplateNames {
	// Only the choices are made, and they read nothing but the spec.
	r := &resolver{spec: spec, root: field.NewPath("spec")}
	core, cell, shard := make(map[string]bool), make(map[string]bool), make(map[string]bool)

	for _, ch := range []choice{r.globalTopoChoice(), r.multiadminChoice(), r.multiadminWebChoice()} {
		core[ch.name] = true
	}
	for i := range spec.Cells {
		cell[r.cellChoice(i).name] = true
	}
	for _, db := range r.catalogue() {
		for _, tg := range db.tableGroups {
			for _, sh := range tg.shards {
				shard[r.shardChoice(sh).name] = true
			}
		}
	}

	// A named template must exist even if every component names another.
	d := spec.TemplateDefaults
	core[string(d.CoreTemplate)] = true
	cell[string(d.CellTemplate)] = true
	shard[string(d.ShardTemplate)] = true
	return TemplateNames{Core: sorted(core), Cell: sorted(cell), Shard: sorted(shard)}
}

// sorted returns the names of a set but the empty one.
func sorted(names map[string]bool) []string {
	delete(names, "")
	return slices.Sorted(maps.Keys(names))
}

// A choice is the template that a component uses.
type choice struct {
	name string

	// path of the field that names it. Nil if no field does: such a template need not exist.
	path *field.Path
}

// choose returns the template that a component names, else the one of templateDefaults, else the implicit one.
func choose(ref v1alpha1.TemplateName, path *field.Path, def v1alpha1.TemplateName, defPath *field.Path) choice {
	if ref != "" {
		return choice{name: string(ref), path: path}
	}
	if def != "" {
		return choice{name: string(def), path: defPath}
	}
	return choice{name: implicitTemplate}
}

func (r *resolver) defaultsPath(kind string) *field.Path {
	return r.root.Child("templateDefaults", kind)
}

func (r *resolver) coreChoice(ref v1alpha1.TemplateName, component string) choice {
	return choose(ref, r.root.Child(component, "templateRef"), r.spec.TemplateDefaults.CoreTemplate, r.defaultsPath("coreTemplate"))
}

func (r *resolver) globalTopoChoice() choice {
	var ref v1alpha1.TemplateName
	if g := r.spec.GlobalTopoServer; g != nil {
		ref = g.TemplateRef
	}
	return r.coreChoice(ref, "globalTopoServer")
}

func (r *resolver) multiadminChoice() choice {
	var ref v1alpha1.TemplateName
	if m := r.spec.Multiadmin; m != nil {
		ref = m.TemplateRef
	}
	return r.coreChoice(ref, "multiadmin")
}

func (r *resolver) multiadminWebChoice() choice {
	var ref v1alpha1.TemplateName
	if m := r.spec.MultiadminWeb; m != nil {
		ref = m.TemplateRef
	}
	return r.coreChoice(ref, "multiadminWeb")
}

func (r *resolver) cellChoice(i int) choice {
	path := r.root.Child("cells").Index(i).Child("cellTemplate")
	return choose(r.spec.Cells[i].CellTemplate, path, r.spec.TemplateDefaults.CellTemplate, r.defaultsPath("cellTemplate"))
}

func (r *resolver) shardChoice(sh shardEntry) choice {
	return choose(sh.config.ShardTemplate, sh.path.Child("shardTemplate"), r.spec.TemplateDefaults.ShardTemplate, r.defaultsPath("shardTemplate"))
}

// resolveTemplateDefaults checks that the templates of templateDefaults exist, even if nothing uses them.
func (r *resolver) resolveTemplateDefaults() {
	d := r.spec.TemplateDefaults
	if d.CoreTemplate != "" {
		find(r, r.templates.Core, "CoreTemplate", choice{name: string(d.CoreTemplate), path: r.defaultsPath("coreTemplate")})
	}
	if d.CellTemplate != "" {
		find(r, r.templates.Cell, "CellTemplate", choice{name: string(d.CellTemplate), path: r.defaultsPath("cellTemplate")})
	}
	if d.ShardTemplate != "" {
		find(r, r.templates.Shard, "ShardTemplate", choice{name: string(d.ShardTemplate), path: r.defaultsPath("shardTemplate")})
	}
}

// find returns a template, and nil if it does not exist.
func find[T any](r *resolver, all map[string]*T, kind string, ch choice) *T {
	t := all[ch.name]
	if t == nil && ch.path != nil {
		err := field.NotFound(ch.path, ch.name)
		err.Detail = fmt.Sprintf("there is no %s of this name in namespace %q", kind, r.out.Namespace)
		r.fail(err)
	}
	return t
}

// An applied template is a copy of a template's content. Its name is empty, and so is the content, if there is none.
type applied[T any] struct {
	name string
	spec T
}

func (r *resolver) coreTemplate(ch choice) applied[v1alpha1.CoreTemplateSpec] {
	t := find(r, r.templates.Core, "CoreTemplate", ch)
	if t == nil {
		return applied[v1alpha1.CoreTemplateSpec]{}
	}
	r.used.core[ch.name] = true
	return applied[v1alpha1.CoreTemplateSpec]{name: ch.name, spec: *t.Spec.DeepCopy()}
}

func (r *resolver) cellTemplate(ch choice) applied[v1alpha1.CellTemplateSpec] {
	t := find(r, r.templates.Cell, "CellTemplate", ch)
	if t == nil {
		return applied[v1alpha1.CellTemplateSpec]{}
	}
	r.used.cell[ch.name] = true
	return applied[v1alpha1.CellTemplateSpec]{name: ch.name, spec: *t.Spec.DeepCopy()}
}

func (r *resolver) shardTemplate(ch choice) applied[v1alpha1.ShardTemplateSpec] {
	t := find(r, r.templates.Shard, "ShardTemplate", ch)
	if t == nil {
		return applied[v1alpha1.ShardTemplateSpec]{}
	}
	r.used.shard[ch.name] = true
	return applied[v1alpha1.ShardTemplateSpec]{name: ch.name, spec: *t.Spec.DeepCopy()}
}
