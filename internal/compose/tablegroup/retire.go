package tablegroup

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// requireShards names the requirement of all Shards of the table group, those among them that are being deleted: what is not
// composed any more is not observed either, and is there for as long as something of it is.
const requireShards = "shards"

var kindShard = schema.GroupKind{Group: v1alpha1.Group, Kind: v1alpha1.ShardKind}

// requirements asks for the Shards only while some are on their way out: each of them would count twice against the events that
// Crossplane takes notice of.
func requirements(in compose.Input, tg *v1alpha1.TableGroup) map[string]compose.Requirement {
	if !tg.Spec.Drain && len(leftover(in, tg)) == 0 && !compose.WasRemoving(in.XR) {
		return nil
	}
	labels := naming.TableGroupLabels(tg.Spec.ClusterName, string(tg.Spec.DatabaseName), string(tg.Spec.TableGroupName), naming.ComponentShard)
	return map[string]compose.Requirement{requireShards: {
		APIVersion: v1alpha1.SchemeGroupVersion.String(),
		Kind:       v1alpha1.ShardKind,
		Namespace:  tg.Namespace,
		Labels:     naming.Selector(labels),
	}}
}

// leftover returns the keys of what is observed and not wanted, sorted. Of a table group that drains nothing is.
func leftover(in compose.Input, tg *v1alpha1.TableGroup) []string {
	var out []string
	for key := range in.Observed {
		wanted := slices.ContainsFunc(tg.Spec.Shards, func(s v1alpha1.ShardResolvedSpec) bool { return naming.KeyShard(s.Name) == key })
		if !wanted || tg.Spec.Drain {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// retire asks the shards that are not wanted any more to drain, lets those go that have, and says what each of them waits for.
// A shard holds data, so it goes no other way.
func retire(in compose.Input, tg *v1alpha1.TableGroup, s *compose.Set) ([]compose.Removal, error) {
	var out []compose.Removal
	seen := map[string]bool{}
	for _, key := range s.Leftover() {
		o := s.Observed(key)
		seen[o.Name()] = true
		switch {
		case o.GroupKind() != kindShard:
			// Nobody knows what it is.
			out = append(out, compose.Removal{Name: o.Describe(), Reason: compose.WaitInUse, Message: "is kept: a table group is composed of Shards only"})
			if err := s.Keep(key); err != nil {
				return nil, err
			}
		case o.Deleting() || compose.HasDrained(o):
			out = append(out, deleting(o))
		default:
			out = append(out, compose.DrainRemoval(title(o), o))
			if err := s.Drain(key); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range in.Required[requireShards] {
		if !seen[o.Name()] && (tg.Spec.Drain || !wants(tg, title(o))) {
			seen[o.Name()] = true
			out = append(out, deleting(o))
		}
	}
	return out, nil
}

func deleting(o object.Object) compose.Removal {
	return compose.Removal{Name: title(o), Reason: compose.WaitDeleting, Message: "waits until its record, its volumes and all else of it are gone"}
}

// title is the name by which a person knows a Shard.
func title(o object.Object) string { return titleOf(o.String("spec", "shardName")) }

func titleOf(shard string) string { return v1alpha1.ShardKind + " " + shard }

// wants is true if the table group wants the shard of a title.
func wants(tg *v1alpha1.TableGroup, name string) bool {
	return slices.ContainsFunc(tg.Spec.Shards, func(s v1alpha1.ShardResolvedSpec) bool { return titleOf(s.Name) == name })
}
