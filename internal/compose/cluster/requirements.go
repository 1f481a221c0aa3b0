package cluster

import (
	"encoding/base64"
	"slices"

	protection "github.com/crossplane/crossplane/apis/v2/protection/v1beta1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// Names of the requirements. Those with a slash end in the name of an object.
const (
	requirePassword      = "password-secret"
	requireCoreTemplate  = "core-template/"
	requireCellTemplate  = "cell-template/"
	requireShardTemplate = "shard-template/"
	requireConfigMap     = "config-map/"

	requireUsages          = "usages"
	requireTableGroups     = "table-groups"
	requireCells           = "cells"
	requireCellRecords     = "cell-records"
	requireDatabaseRecords = "database-records"
)

// requireLeaving asks for everything that leaves in order. What the cluster has let go is not observed any more, and is there
// for as long as something of it is. It is asked for only while something leaves: each object would count twice against the
// events that Crossplane takes notice of. Of Usages all of the namespace are asked for, since those of others refuse a deletion
// as well.
func requireLeaving(rs map[string]compose.Requirement, c *cluster) {
	ask := func(name string, gvk schema.GroupVersionKind, labels map[string]string) {
		version, kind := gvk.ToAPIVersionAndKind()
		rs[name] = compose.Requirement{APIVersion: version, Kind: kind, Namespace: c.Namespace, Labels: labels}
	}
	composites := v1alpha1.SchemeGroupVersion
	ask(requireUsages, protection.UsageGroupVersionKind, nil)
	ask(requireTableGroups, composites.WithKind(v1alpha1.TableGroupKind), naming.Selector(c.labels(naming.ComponentTableGroup)))
	ask(requireCells, composites.WithKind(v1alpha1.CellKind), naming.Selector(c.labels(naming.ComponentCell)))
	ask(requireCellRecords, mv1alpha1.CellRecordGroupVersionKind, naming.Selector(c.labels(naming.ComponentTopology)))
	ask(requireDatabaseRecords, mv1alpha1.DatabaseRecordGroupVersionKind, naming.Selector(c.labels(naming.ComponentTopology)))
}

// requirements returns what has to be known before the cluster can be resolved: its templates, and the superuser's password.
func requirements(mc *v1alpha1.MultigresCluster) map[string]compose.Requirement {
	rs := map[string]compose.Requirement{requirePassword: {
		APIVersion: "v1", Kind: "Secret", Namespace: mc.Namespace, Name: passwordSecret(mc),
	}}
	ask := func(prefix, kind string, names []string) {
		for _, n := range names {
			rs[prefix+n] = compose.Requirement{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: kind, Namespace: mc.Namespace, Name: n}
		}
	}
	names := resolve.Names(&mc.Spec)
	ask(requireCoreTemplate, v1alpha1.CoreTemplateKind, names.Core)
	ask(requireCellTemplate, v1alpha1.CellTemplateKind, names.Cell)
	ask(requireShardTemplate, v1alpha1.ShardTemplateKind, names.Shard)
	return rs
}

func passwordSecret(mc *v1alpha1.MultigresCluster) string {
	if ref := mc.Spec.PostgresPasswordSecretRef; ref != nil && ref.Name != "" {
		return ref.Name
	}
	return naming.PostgresPasswordSecret(mc.Name)
}

// secretValue returns what a Secret holds under a key, and nothing if it does not exist, lacks the key, or is damaged.
func secretValue(secret object.Object, key string) string {
	b, err := base64.StdEncoding.DecodeString(secret.String("data", key))
	if err != nil {
		return ""
	}
	return string(b)
}

// decodeTemplates returns the templates among the answers.
func decodeTemplates(in compose.Input, names resolve.TemplateNames) (resolve.Templates, field.ErrorList) {
	core, coreErrs := decodeAll[v1alpha1.CoreTemplate](in, requireCoreTemplate, v1alpha1.CoreTemplateKind, names.Core)
	cell, cellErrs := decodeAll[v1alpha1.CellTemplate](in, requireCellTemplate, v1alpha1.CellTemplateKind, names.Cell)
	shard, shardErrs := decodeAll[v1alpha1.ShardTemplate](in, requireShardTemplate, v1alpha1.ShardTemplateKind, names.Shard)
	return resolve.Templates{Core: core, Cell: cell, Shard: shard}, slices.Concat(coreErrs, cellErrs, shardErrs)
}

func decodeAll[T any](in compose.Input, prefix, kind string, names []string) (map[string]*T, field.ErrorList) {
	var errs field.ErrorList
	out := make(map[string]*T, len(names))
	for _, n := range names {
		o := in.Find(prefix + n)
		if !o.Exists() {
			continue
		}
		out[n] = new(T)
		for _, err := range object.Decode(o, out[n]) {
			// The path is one of the template, not of the cluster.
			err.Field = field.NewPath(kind).Key(n).String() + "." + err.Field
			errs = append(errs, err)
		}
	}
	return out, errs
}
