// Package tablegroup composes a TableGroup: it hands each shard its resolved specification and adds up how the shards are.
package tablegroup

import (
	"fmt"

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
	s := compose.NewSet(in.Observed)
	for i := range tg.Spec.Shards {
		s.Add(naming.KeyShard(tg.Spec.Shards[i].Name), buildShard(tg, &tg.Spec.Shards[i]))
	}
	// A shard that the specification no longer lists holds data. It stays until it has drained.
	var retiring []string
	for _, key := range s.Leftover() {
		retiring = append(retiring, s.Observed(key).Describe())
		if err := s.Keep(key); err != nil {
			return compose.Output{}, err
		}
	}
	return output(in, tg, s, retiring), nil
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

// TypeAvailable is the condition that is True while every shard serves.
const TypeAvailable = "Available"

func output(in compose.Input, tg *v1alpha1.TableGroup, s *compose.Set, retiring []string) compose.Output {
	st := &v1alpha1.TableGroupStatus{TotalShards: int32(len(tg.Spec.Shards))}
	st.ObservedGeneration = tg.Generation
	var waiting, broken []string
	for i := range tg.Spec.Shards {
		key := naming.KeyShard(tg.Spec.Shards[i].Name)
		if s.IsReady(key) {
			st.ReadyShards++
			continue
		}
		why := "shard " + tg.Spec.Shards[i].Name
		if m := s.Observed(key).String("status", "message"); m != "" {
			why += " (" + m + ")"
		}
		waiting = append(waiting, why)
		if s.Observed(key).String("status", "phase") == string(v1alpha1.PhaseDegraded) {
			broken = append(broken, why)
		}
	}
	for _, r := range retiring {
		waiting = append(waiting, "removal of "+r+", which holds data")
	}
	count := fmt.Sprintf("%d of %d shards ready", st.ReadyShards, st.TotalShards)
	serves := st.ReadyShards == st.TotalShards
	switch {
	case len(broken) > 0:
		st.Phase, st.Message = v1alpha1.PhaseDegraded, compose.Few(broken)
	case len(retiring) > 0 && serves:
		st.Phase, st.Message = v1alpha1.PhaseProgressing, compose.Few(waiting)
	case st.TotalShards == 0:
		st.Phase, st.Message = v1alpha1.PhaseInitializing, "no shards"
	case serves:
		st.Phase, st.Message = v1alpha1.PhaseHealthy, "Ready"
	default:
		st.Phase, st.Message = v1alpha1.PhaseProgressing, count
	}
	available := compose.False(TypeAvailable, "ShardsNotReady", count)
	if serves {
		available = compose.True(TypeAvailable, "ShardsReady", count)
	}
	return compose.Output{
		Resources:  s.Resources(),
		Status:     st,
		Ready:      serves,
		InProgress: !serves,
		Conditions: []compose.Condition{compose.Valid(), available, compose.Progress(waiting), compose.Degradation("ShardsDegraded", broken)},
		Events:     compose.PhaseChange(in.XR, st.Phase, st.Message),
	}
}
