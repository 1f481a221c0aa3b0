// Package tablegroup composes a TableGroup: it hands each shard its resolved specification and adds up how the shards are.
package tablegroup

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// Compose returns what a TableGroup becomes.
func Compose(in compose.Input) (compose.Output, error) {
	tg := &v1alpha1.TableGroup{}
	errs := object.Decode(in.XR, tg)
	errs = append(errs, validate(&tg.Spec)...)
	if err := compose.Invalid(errs); err != nil {
		return compose.Output{}, err
	}
	if tg.Spec.ClusterName == "" {
		tg.Spec.ClusterName = tg.Name
	}
	rs := requirements(in, tg)
	if in.Unanswered(rs) {
		return compose.Ask(in, rs)
	}
	s := compose.NewSet(in.Observed)
	if !tg.Spec.Drain {
		for i := range tg.Spec.Shards {
			s.Add(naming.KeyShard(tg.Spec.Shards[i].Name), buildShard(tg, &tg.Spec.Shards[i]))
		}
	}
	removals, err := retire(in, tg, s)
	if err != nil {
		return compose.Output{}, err
	}
	out := output(in, tg, s, removals)
	out.Requirements = rs
	return out, nil
}

func validate(spec *v1alpha1.TableGroupSpec) field.ErrorList {
	p := field.NewPath("spec")
	var errs field.ErrorList
	for name, v := range map[string]string{
		"databaseName": string(spec.DatabaseName), "tableGroupName": string(spec.TableGroupName),
	} {
		if v == "" {
			errs = append(errs, field.Required(p.Child(name), "a table group belongs to a database and has a name"))
		}
	}
	seen := map[string]bool{}
	for i := range spec.Shards {
		n := spec.Shards[i].Name
		np := p.Child("shards").Index(i).Child("name")
		switch {
		case n == "":
			errs = append(errs, field.Required(np, "name the shard"))
		case seen[n]:
			errs = append(errs, field.Duplicate(np, n))
		}
		seen[n] = true
	}
	return errs
}

func buildShard(tg *v1alpha1.TableGroup, rs *v1alpha1.ShardResolvedSpec) *v1alpha1.Shard {
	id := naming.ShardID{
		Cluster: tg.Spec.ClusterName, Database: string(tg.Spec.DatabaseName), TableGroup: string(tg.Spec.TableGroupName), Shard: rs.Name,
	}
	project := tg.Spec.ProjectRef
	if project == "" {
		project = tg.Spec.ClusterName
	}
	return &v1alpha1.Shard{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: v1alpha1.ShardKind},
		ObjectMeta: metav1.ObjectMeta{
			Name:        id.Name(),
			Labels:      id.Labels(naming.ComponentShard),
			Annotations: naming.Merge(naming.RolloutAnnotations(tg.Annotations), map[string]string{naming.AnnotationProjectRef: project}),
		},
		Spec: v1alpha1.ShardSpec{
			DataPlaneSettings: tg.Spec.DataPlaneSettings,
			DatabaseName:      tg.Spec.DatabaseName,
			TableGroupName:    tg.Spec.TableGroupName,
			ShardName:         v1alpha1.ShardName(rs.Name),
			Multiorch:         rs.Multiorch,
			InitdbArgs:        rs.InitdbArgs,
			PostgresConfigRef: rs.PostgresConfigRef,
			PostgresConfig:    rs.PostgresConfig,
			Pools:             rs.Pools,
			PVCDeletionPolicy: v1alpha1.MergePVCDeletionPolicy(rs.PVCDeletionPolicy, tg.Spec.PVCDeletionPolicy),
			Backup:            rs.Backup,
			Replicas:          ptr.To(poolers(rs)),
		},
	}
}

// poolers returns how many poolers the shard has in all.
func poolers(rs *v1alpha1.ShardResolvedSpec) int32 {
	var n int32
	for _, p := range rs.Pools {
		n += ptr.Deref(p.ReplicasPerCell, 1) * int32(len(p.Cells))
	}
	return n
}
