package compose

import "testing"

func TestReady(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     string
		want   bool
	}{
		"PodReady":           {reason: "A pod is ready by its condition.", in: `{apiVersion: v1, kind: Pod, status: {conditions: [{type: Ready, status: "True"}]}}`, want: true},
		"PodTerminating":     {reason: "A terminating pod still says Ready and is not.", in: `{apiVersion: v1, kind: Pod, metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}, status: {conditions: [{type: Ready, status: "True"}]}}`},
		"PodStarting":        {reason: "A pod without the condition is not ready.", in: `{apiVersion: v1, kind: Pod}`},
		"ConfigMap":          {reason: "A kind without a rule is ready as soon as it exists.", in: `{apiVersion: v1, kind: ConfigMap}`, want: true},
		"CompositeUnready":   {reason: "Our composites report by condition.", in: `{apiVersion: multigres.com/v1alpha1, kind: Cell}`},
		"CompositeReady":     {reason: "Our composites report by condition.", in: `{apiVersion: multigres.com/v1alpha1, kind: Cell, status: {conditions: [{type: Ready, status: "True"}]}}`, want: true},
		"ManagedUnready":     {reason: "Managed resources report by condition.", in: `{apiVersion: m.multigres.com/v1alpha1, kind: CellRecord, status: {conditions: [{type: Ready, status: "False"}]}}`},
		"ProviderConfig":     {reason: "A provider configuration has no condition.", in: `{apiVersion: m.multigres.com/v1alpha1, kind: ProviderConfig}`, want: true},
		"DeploymentReady":    {reason: "All replicas are of the latest template and available.", in: `{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, spec: {replicas: 2}, status: {observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2}}`, want: true},
		"DeploymentStale":    {reason: "The status is of an older generation.", in: `{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, spec: {replicas: 2}, status: {observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2}}`},
		"DeploymentRolling":  {reason: "An older replica is left.", in: `{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 2}, status: {replicas: 3, updatedReplicas: 2, availableReplicas: 3}}`},
		"DeploymentZero":     {reason: "No replicas wanted, none there.", in: `{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 0}}`, want: true},
		"StatefulSetDefault": {reason: "One replica is wanted where none is given.", in: `{apiVersion: apps/v1, kind: StatefulSet}`},
		"StatefulSetReady":   {reason: "All replicas ready, one revision.", in: `{apiVersion: apps/v1, kind: StatefulSet, spec: {replicas: 3}, status: {readyReplicas: 3, currentRevision: a, updateRevision: a}}`, want: true},
		"StatefulSetRolling": {reason: "Two revisions are there.", in: `{apiVersion: apps/v1, kind: StatefulSet, spec: {replicas: 3}, status: {readyReplicas: 3, currentRevision: a, updateRevision: b}}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Ready(parse(t, tc.in)); got != tc.want {
				t.Errorf("\n%s\nReady(...): want %v, got %v", tc.reason, tc.want, got)
			}
		})
	}
}

func TestCrashLooping(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     string
		want   bool
	}{
		"Waiting":     {reason: "A container waits in a back-off.", in: `{status: {containerStatuses: [{state: {waiting: {reason: CrashLoopBackOff}}}]}}`, want: true},
		"Init":        {reason: "Init containers and native sidecars count.", in: `{status: {initContainerStatuses: [{state: {waiting: {reason: ErrImagePull}}}]}}`, want: true},
		"Creating":    {reason: "A container that is being created is no failure.", in: `{status: {containerStatuses: [{state: {waiting: {reason: ContainerCreating}}}]}}`},
		"Terminated":  {reason: "A container failed for the third time.", in: `{status: {containerStatuses: [{restartCount: 3, state: {terminated: {exitCode: 1}}}]}}`, want: true},
		"Running":     {reason: "A running container may have restarted often.", in: `{status: {containerStatuses: [{restartCount: 9, state: {running: {}}}]}}`},
		"Terminating": {reason: "A pod on its way out does not count.", in: `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}, status: {containerStatuses: [{state: {waiting: {reason: CrashLoopBackOff}}}]}}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := CrashLooping(parse(t, tc.in)); got != tc.want {
				t.Errorf("\n%s\nCrashLooping(...): want %v, got %v", tc.reason, tc.want, got)
			}
		})
	}
}
