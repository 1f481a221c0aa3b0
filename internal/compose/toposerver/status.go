package toposerver

import (
	"fmt"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// Condition types of a TopoServer.
const (
	// typeQuorum is True while enough members are ready to serve.
	typeQuorum = "QuorumReady"
	// typeStorage is True if the volumes have the size that the specification asks for.
	typeStorage = "StorageAsWanted"
)

// output says how the topology server is. It is ready as soon as a quorum serves; a member that is missing beyond that makes
// it progressing or, once it has been complete, degraded.
func output(in compose.Input, t server, s *compose.Set) compose.Output {
	sts := s.Observed(naming.KeyTopoStatefulSet)
	ready := sts.Int32("status", "readyReplicas")
	if sts.Deleting() {
		ready = 0
	}
	st := &v1alpha1.TopoServerStatus{
		Replicas:      t.replicas,
		ReadyReplicas: ready,
		ClientService: t.Name,
		PeerService:   t.headless(),
	}
	st.ObservedGeneration = t.Generation
	complete := s.IsReady(naming.KeyTopoStatefulSet)
	serving := ready >= t.quorum()
	rolling := sts.String("status", "updateRevision") != sts.String("status", "currentRevision")
	count := fmt.Sprintf("%d of %d members ready", ready, t.replicas)

	var waiting, broken []string
	switch {
	case complete:
		st.Phase, st.Message = v1alpha1.PhaseHealthy, "Ready"
	case compose.Served(in.XR) && (!rolling || !serving):
		st.Phase, st.Message = v1alpha1.PhaseDegraded, count
		broken = append(broken, count)
	case !sts.Exists():
		st.Phase, st.Message = v1alpha1.PhaseInitializing, count
	default:
		st.Phase, st.Message = v1alpha1.PhaseProgressing, count
	}
	if !complete {
		waiting = append(waiting, fmt.Sprintf("etcd (%s)", count))
	}
	quorum := compose.False(typeQuorum, "NoQuorum", count)
	if serving {
		quorum = compose.True(typeQuorum, "QuorumOfMembersReady", count)
	}
	return compose.Output{
		Resources:  s.Resources(),
		Status:     st,
		Ready:      serving,
		InProgress: !complete,
		Conditions: []compose.Condition{compose.Valid(), quorum, storage(t, sts.Exists(), s), compose.Progress(waiting), compose.Degradation("MembersMissing", broken)},
		Events:     compose.PhaseChange(in.XR, st.Phase, st.Message),
	}
}

// storage says whether the members' volumes are as large as wanted: the claims of a StatefulSet keep the size they were made
// with, and the wish for more must not pass in silence.
func storage(t server, exists bool, s *compose.Set) compose.Condition {
	live, ok := liveSize(s.Observed(naming.KeyTopoStatefulSet))
	want := wantedSize(t)
	if !exists || !ok || live.Cmp(want) == 0 {
		return compose.True(typeStorage, compose.ReasonAsExpected, "")
	}
	return compose.False(typeStorage, "ClaimTemplateImmutable",
		fmt.Sprintf("spec.etcd.storage.size is %s, the volumes were made with %s; grow the PersistentVolumeClaims by hand", want.String(), live.String()))
}
