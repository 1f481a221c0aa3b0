package render

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/fn"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

const (
	// running is the example with observed objects.
	running = "running-cluster"

	// formerImage is what the pods of the running cluster run that were not replaced yet.
	formerImage = "ghcr.io/multigres/pgctld:sha-41c0f9e"

	observedTitle = "# What is there, as `kubectl get -o yaml` shows it. metadata.managedFields says which fields\n" +
		"# Crossplane applied. `make golden` writes this file: see test/render/observed_test.go.\n"
)

// started is when the first object of the running cluster was created.
var started = time.Date(2026, 3, 2, 8, 15, 0, 0, time.UTC)

// A story is an example with observed objects: what there was of a shard before its specification changed, and what happened
// since.
type story struct {
	// before changes the shard into what it was.
	before func(t *testing.T, xr *unstructured.Unstructured)
	// since returns an object as it is by now, or nil if it has gone. Names of instances end as in zone-a-1.
	since func(t *testing.T, u *unstructured.Unstructured, names func(pool, end string) string) *unstructured.Unstructured
}

// stories are the examples with observed objects, but for that of the running cluster, which has more to tell.
var stories = map[string]story{
	"scale-down": {
		before: func(t *testing.T, xr *unstructured.Unstructured) {
			t.Helper()
			set(t, xr, int64(5), "spec", "pools", "default", "replicasPerCell")
		},
		since: func(t *testing.T, u *unstructured.Unstructured, name func(pool, end string) string) *unstructured.Unstructured {
			t.Helper()
			switch gone := name("default", "zone-a-4"); {
			case u.GetKind() == "Pod" && u.GetName() == gone:
				return nil
			case u.GetKind() == mv1alpha1.ShardRecordKind:
				// Its process died before it could leave the cohort.
				removed(t, u, gone, map[string]any{"inCohort": true, "registered": true})
			}
			return u
		},
	},
	"cell-removed": {
		before: func(t *testing.T, xr *unstructured.Unstructured) {
			t.Helper()
			set(t, xr, []any{"zone-a", "zone-b", "zone-c"}, "spec", "pools", "default", "cells")
		},
		since: func(t *testing.T, u *unstructured.Unstructured, name func(pool, end string) string) *unstructured.Unstructured {
			t.Helper()
			switch gone := name("default", "zone-c-1"); {
			case u.GetKind() == "Pod" && u.GetName() == gone, strings.Contains(u.GetName(), "multiorch") && strings.Contains(u.GetName(), "zone-c"):
				return nil
			case u.GetKind() == mv1alpha1.ShardRecordKind:
				removed(t, u, gone, map[string]any{"inCohort": false, "registered": true})
				observe(t, u, name("default", "zone-b-1"), map[string]any{"lagWithinLimit": false})
			}
			return u
		},
	},
}

func set(t *testing.T, u *unstructured.Unstructured, v any, path ...string) {
	t.Helper()
	if err := unstructured.SetNestedField(u.Object, v, path...); err != nil {
		t.Fatal(err)
	}
}

// observe changes what a record says of the pooler of a pod, and returns it.
func observe(t *testing.T, u *unstructured.Unstructured, pod string, facts map[string]any) map[string]any {
	t.Helper()
	poolers, _, _ := unstructured.NestedSlice(u.Object, "status", "atProvider", "poolers")
	for _, p := range poolers {
		if p := p.(map[string]any); p["pod"] == pod {
			maps.Copy(p, facts)
			set(t, u, poolers, "status", "atProvider", "poolers")
			return p
		}
	}
	t.Fatalf("the record knows no %s", pod)
	return nil
}

// removed lists a pooler as removed whose pod has gone and of which the given is left.
func removed(t *testing.T, u *unstructured.Unstructured, pod string, left map[string]any) {
	t.Helper()
	observe(t, u, pod, map[string]any{
		"role": "UNKNOWN", "term": int64(0), "reachable": false, "initialized": false, "postgresReady": false, "lagWithinLimit": false,
	})
	p := observe(t, u, pod, left)
	set(t, u, []any{p["serviceID"]}, "status", "atProvider", "leftovers")
	var cohort []any
	all, _, _ := unstructured.NestedSlice(u.Object, "status", "atProvider", "poolers")
	for _, o := range all {
		if o := o.(map[string]any); o["inCohort"] == true {
			cohort = append(cohort, o["serviceID"])
		}
	}
	set(t, u, cohort, "status", "atProvider", "cohort")

	listed, _, _ := unstructured.NestedSlice(u.Object, "spec", "forProvider", "poolers")
	var expected, gone []any
	for _, o := range listed {
		if o.(map[string]any)["pod"] == pod {
			gone = append(gone, o)
			continue
		}
		expected = append(expected, o)
	}
	set(t, u, expected, "spec", "forProvider", "poolers")
	set(t, u, gone, "spec", "forProvider", "removed")
}

// TestObserved holds the observed objects of each example that has some against what an API server would have of what the
// function composed before.
func TestObserved(t *testing.T) {
	for _, name := range append(slices.Sorted(maps.Keys(stories)), running) {
		t.Run(name, func(t *testing.T) {
			e := load(t, name)
			e.golden(t, fileObserved, e.formerFile(t))
		})
	}
}

// formerFile returns the file with the observed objects.
func (e *example) formerFile(t *testing.T) []byte {
	t.Helper()
	before := former(t, e)
	all := before
	name := func(pool, end string) string { return instance(t, all, pool, end) }
	if s, ok := stories[e.name]; ok {
		var now []*unstructured.Unstructured
		for _, u := range before {
			if u = s.since(t, u.DeepCopy(), name); u != nil {
				now = append(now, u)
			}
		}
		before = now
	}
	pods := map[string]bool{}
	for _, u := range before {
		if u.GetKind() == "Pod" {
			pods[u.GetName()] = true
		}
	}
	us := make([]*unstructured.Unstructured, 0, len(before))
	for i, u := range before {
		us = append(us, live(t, e.root, u, i, pods))
	}
	b, err := manifest.Encode(us...)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte(observedTitle), b...)
}

// instance returns the name of a pod by its pool and the cell and index that its name ends with; a hash stands between them.
func instance(t *testing.T, us []*unstructured.Unstructured, pool, end string) string {
	t.Helper()
	cell, index := end[:len(end)-2], end[len(end)-2:]
	for _, u := range us {
		if u.GetKind() == "Pod" && strings.Contains(u.GetName(), "-pool-"+pool+"-"+cell+"-") && strings.HasSuffix(u.GetName(), index) {
			return u.GetName()
		}
	}
	t.Fatalf("no pod of pool %s in %s", pool, end)
	return ""
}

// TestFrozen proves that an outdated pod is applied again with exactly the fields with which it was applied at first: what others
// set and what was defaulted is not claimed, and nothing is let go.
func TestFrozen(t *testing.T) {
	e := tree(t, running)
	want := map[string]map[string]any{}
	for _, u := range former(t, e) {
		want[u.GetAnnotations()[annotationKey]] = applied(u).Object
	}
	frozen := 0
	for key, r := range last(e)[0].rsp.GetDesired().GetResources() {
		u := decode(t, r)
		if u.GetKind() != "Pod" || want[key] == nil {
			continue
		}
		u.SetNamespace(e.root.GetNamespace())
		// The annotation and the labels that Crossplane adds are among the fields that it owns.
		if cmp.Equal(want[key], u.Object) {
			frozen++
			continue
		}
		if !strings.HasSuffix(key, ".1") {
			t.Errorf("%s must stay as it was applied: -want, +got:\n%s", key, cmp.Diff(want[key], u.Object))
		}
	}
	if frozen != 3 {
		t.Errorf("want 3 frozen pods, two outdated ones and one that is not wanted any more, got %d", frozen)
	}
}

// former returns what was applied for the shard of an example before its specification changed.
func former(t *testing.T, e *example) []*unstructured.Unstructured {
	t.Helper()
	updated := e.root.DeepCopy()
	delete(updated.Object, "status")
	if s, ok := stories[e.name]; ok {
		s.before(t, updated)
		return children(t, e, updated)
	}
	set(t, updated, int64(3), "spec", "pools", "default", "replicasPerCell")
	old := updated.DeepCopy()
	set(t, old, formerImage, "spec", "images", "postgres")
	set(t, old, map[string]any{
		"type": "readWrite", "cells": []any{"zone-a"}, "replicasPerCell": int64(1), "storage": map[string]any{"size": "10Gi"},
	}, "spec", "pools", "reporting")

	newer := map[string]*unstructured.Unstructured{}
	for _, u := range children(t, e, updated) {
		newer[u.GetName()] = u
	}
	out := children(t, e, old)
	for i, u := range out {
		if u.GetKind() == "Pod" && strings.HasSuffix(u.GetName(), "-1") {
			out[i] = newer[u.GetName()]
		}
	}
	return out
}

// children returns what a composite composes once all of it is ready, with the status that this takes.
func children(t *testing.T, e *example, xr *unstructured.Unstructured) []*unstructured.Unstructured {
	t.Helper()
	n, err := render.Render(t.Context(), fn.New(), xr, render.Options{Others: e.others, UntilReady: true})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]*unstructured.Unstructured, 0, len(n.Children))
	for _, c := range n.Children {
		out = append(out, c.Object)
	}
	return out
}

// live returns an applied object as an API server would have it: with the managed fields of Crossplane's apply, defaults, and the
// status that its controller wrote.
func live(t *testing.T, xr, u *unstructured.Unstructured, i int, pods map[string]bool) *unstructured.Unstructured {
	t.Helper()
	at := metav1.NewTime(started.Add(time.Duration(i) * time.Second))
	status, _, _ := unstructured.NestedMap(u.Object, "status")
	u = u.DeepCopy()
	delete(u.Object, "status")
	u.SetOwnerReferences(controlledBy(xr))

	types := managedfields.NewDeducedTypeConverter()
	controller := "provider-multigres"
	if !ours(u) {
		types, controller = applyconfigurations.NewTypeConverter(scheme.Scheme), "kube-controller-manager"
	}
	// As Crossplane v2.4 names its manager of what a composite composes.
	h := sha256.Sum256([]byte(xr.GetName() + xr.GroupVersionKind().GroupKind().String()))
	spec := managedfieldstest.NewTestFieldManager(types, u.GroupVersionKind())
	if err := spec.Apply(u.DeepCopy(), fmt.Sprintf("apiextensions.crossplane.io/composed/%x", h), true); err != nil {
		t.Fatal(err)
	}
	managed := spec.ManagedFields()

	u.SetUID(uidOf(u))
	u.SetGeneration(1)
	u.SetResourceVersion(fmt.Sprint(41000 + 7*i))
	u.SetCreationTimestamp(at)
	if u.GetKind() == "Pod" {
		defaultPod(t, u, i)
		status, controller = runningStatus(u, i, at), "kubelet"
	}
	if u.GetKind() == mv1alpha1.ShardRecordKind {
		recordStatus(u, status, pods)
	}
	if status != nil {
		stamp(status, at)
		if _, ok := status["observedGeneration"]; ok {
			status["observedGeneration"] = u.GetGeneration()
		}
		s := &unstructured.Unstructured{Object: map[string]any{"status": status}}
		s.SetGroupVersionKind(u.GroupVersionKind())
		s.SetName(u.GetName())
		m := managedfieldstest.NewTestFieldManager(types, u.GroupVersionKind())
		if err := m.Update(s, controller); err != nil {
			t.Fatal(err)
		}
		for _, f := range m.ManagedFields() {
			f.Subresource = "status"
			managed = append(managed, f)
		}
		u.Object["status"] = status
	}
	for j := range managed {
		managed[j].Time = &at
	}
	u.SetManagedFields(managed)
	return u
}

// defaultPod sets what the API server and the scheduler set on a pod.
func defaultPod(t *testing.T, u *unstructured.Unstructured, i int) {
	t.Helper()
	spec := u.Object["spec"].(map[string]any)
	maps.Copy(spec, map[string]any{
		"dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "preemptionPolicy": "PreemptLowerPriority", "priority": int64(0),
		"serviceAccount": "default", "serviceAccountName": "default", "nodeName": fmt.Sprintf("ip-10-0-1-%d.eu-central-1.compute.internal", 10+i),
	})
	tolerations, _ := spec["tolerations"].([]any)
	for _, k := range []string{"not-ready", "unreachable"} {
		tolerations = append(tolerations, map[string]any{
			"key": "node.kubernetes.io/" + k, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": int64(300),
		})
	}
	spec["tolerations"] = tolerations
	for _, list := range []string{"initContainers", "containers"} {
		cs, _ := spec[list].([]any)
		for _, c := range cs {
			c.(map[string]any)["terminationMessagePath"] = "/dev/termination-log"
			c.(map[string]any)["terminationMessagePolicy"] = "File"
		}
	}
}

// recordStatus says which pods a record saw, and for which specification it looked.
func recordStatus(u *unstructured.Unstructured, status map[string]any, pods map[string]bool) {
	poolers, _, _ := unstructured.NestedSlice(status, "atProvider", "poolers")
	for _, p := range poolers {
		pod := &unstructured.Unstructured{}
		pod.SetAPIVersion("v1")
		pod.SetKind("Pod")
		pod.SetNamespace(u.GetNamespace())
		pod.SetName(p.(map[string]any)["pod"].(string))
		if pods[pod.GetName()] {
			p.(map[string]any)["podUID"] = string(uidOf(pod))
		}
	}
	if at, ok := status["atProvider"].(map[string]any); ok && len(poolers) > 0 {
		at["poolers"] = poolers
	}
	conditions, _ := status["conditions"].([]any)
	for _, c := range conditions {
		c.(map[string]any)["observedGeneration"] = u.GetGeneration()
	}
}

// runningStatus returns the status of a pod all of whose containers run.
func runningStatus(u *unstructured.Unstructured, i int, at metav1.Time) map[string]any {
	since := at.UTC().Format(time.RFC3339)
	status := map[string]any{
		"phase": "Running", "qosClass": "Burstable", "startTime": since, "podIP": fmt.Sprintf("10.0.1.%d", 100+i),
	}
	conditions := []any{}
	for _, c := range []string{"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"} {
		conditions = append(conditions, map[string]any{"type": c, "status": "True"})
	}
	status["conditions"] = conditions
	for list, statuses := range map[string]string{"initContainers": "initContainerStatuses", "containers": "containerStatuses"} {
		cs, _, _ := unstructured.NestedSlice(u.Object, "spec", list)
		out := []any{}
		for _, c := range cs {
			m := c.(map[string]any)
			out = append(out, map[string]any{
				"name": m["name"], "image": m["image"], "ready": true, "started": true, "restartCount": int64(0),
				"state": map[string]any{"running": map[string]any{"startedAt": since}},
			})
		}
		status[statuses] = out
	}
	return status
}
