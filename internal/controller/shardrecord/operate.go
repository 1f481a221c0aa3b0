package shardrecord

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/fault"
	"github.com/crossplane-multigres/crossplane-multigres/internal/poolers"
	"github.com/crossplane-multigres/crossplane-multigres/internal/requeue"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// operate does what is due. What cannot be done now is due again when the shard is next observed, on what is true then.
func (e *external) operate(ctx context.Context, mg *v1alpha1.ShardRecord) error {
	var reloads []shardstate.Operation
	for _, op := range e.state.Operations {
		switch op.Action { //nolint:exhaustive // The others concern who is gone.
		case shardstate.Reload:
			reloads = append(reloads, op)
			continue
		case shardstate.Rewind:
			e.rewind(ctx, mg, op)
			continue
		case shardstate.BackUp:
			e.backUp(ctx, mg, op)
			continue
		case shardstate.Expire:
			e.expire(ctx, mg, op)
			continue
		}
		gone, err := e.gone(ctx, mg.GetNamespace(), op.Pod)
		if err != nil {
			return err
		}
		if !gone {
			continue
		}
		done, err := e.perform(ctx, mg, op)
		if err != nil {
			return err
		}
		if done {
			requeue.Now(ctx)
		}
	}
	if len(reloads) > 0 {
		e.reload(ctx, mg, reloads)
	}
	return nil
}

// perform one operation on somebody who is gone, and say whether it is done.
func (e *external) perform(ctx context.Context, mg *v1alpha1.ShardRecord, op shardstate.Operation) (bool, error) {
	switch op.Action { //nolint:exhaustive // Reloads go another way.
	case shardstate.RemoveMember:
		return e.removeMember(ctx, mg, op), nil
	case shardstate.Unregister:
		return true, e.unregister(ctx, op.ID)
	case shardstate.UnregisterOrchestrator:
		return true, e.unregisterOrch(ctx, op.ID)
	default:
		return false, nil
	}
}

// removeMember has the leader remove a member. The leader compares the rule with the one that was decided on, so that two
// removals, or one of ours and a change by an orchestrator, never meet. Why it did not happen is no failure of the reconcile:
// what was observed is as good as before.
func (e *external) removeMember(ctx context.Context, mg *v1alpha1.ShardRecord, op shardstate.Operation) bool {
	leader := e.view.poolers[op.Leader].Message
	member := &clustermetadatapb.ID{Component: clustermetadatapb.ID_MULTIPOOLER, Cell: op.ID.Cell, Name: op.ID.Name}
	err := e.rpc.RemoveMember(ctx, leader, member, op.Rule)
	fault.Hit(fault.AfterExternal)
	if err == nil {
		return true
	}
	// A leader that misses too many members answers neither way: it cannot write down the change.
	reason := shardstate.ReasonRemovalFailed
	if errors.Is(err, poolers.ErrRefused) {
		reason = shardstate.ReasonRemovalRefused
	}
	mg.SetConditions(condition(mg, shardstate.Verdict{
		Type: shardstate.TypeLeftoversRemoved, Status: corev1.ConditionFalse, Reason: reason, Message: refusal(err),
	}))
	return false
}

// attempted is true if a removal was tried and did not happen.
func attempted(mg *v1alpha1.ShardRecord) bool {
	r := mg.GetCondition(shardstate.TypeLeftoversRemoved).Reason
	return r == shardstate.ReasonRemovalRefused || r == shardstate.ReasonRemovalFailed
}

// maxMessage is how much of a refusal is shown.
const maxMessage = 512

func refusal(err error) string {
	msg := err.Error()
	if len(msg) > maxMessage {
		msg = msg[:maxMessage]
	}
	return msg
}

// unregister a pooler. One that has written its record meanwhile lives, and keeps it.
func (e *external) unregister(ctx context.Context, id shardstate.ID) error {
	w, err := e.deleter()
	if err != nil {
		return err
	}
	r, ok := e.view.poolers[id]
	if !ok {
		return nil
	}
	return settled(e.view.stores[id.Cell].MultiPoolers().Delete(ctx, w, r))
}

func (e *external) unregisterOrch(ctx context.Context, id shardstate.ID) error {
	w, err := e.deleter()
	if err != nil {
		return err
	}
	r, ok := e.view.orchs[id]
	if !ok {
		return nil
	}
	return settled(e.view.stores[id.Cell].MultiOrchs().Delete(ctx, w, r))
}

// unregisterAll removes what is left of a shard whose pods are gone.
func (e *external) unregisterAll(ctx context.Context, mg *v1alpha1.ShardRecord, l left) error {
	for _, name := range e.view.podNames() {
		if gone, err := e.gone(ctx, mg.GetNamespace(), name); err != nil || !gone {
			return err
		}
	}
	for _, id := range l.poolers {
		if err := e.unregister(ctx, id); err != nil {
			return err
		}
	}
	for _, id := range l.orchs {
		if err := e.unregisterOrch(ctx, id); err != nil {
			return err
		}
	}
	if !l.claim {
		return nil
	}
	w, err := e.deleter()
	if err != nil {
		return err
	}
	return settled(e.conn.Store().ShardInitClaims().Delete(ctx, w, e.view.claim))
}

// deleter is who deletes records that poolers and orchestrators wrote themselves: nobody owns them.
func (e *external) deleter() (topo.Writer, error) {
	w, err := e.conn.Deleter()
	w.Adopt = topo.AdoptUnowned
	return w, err
}

// settled leaves out what is no failure of a deletion: somebody else was quicker, or whoever wrote the record is back.
func settled(err error) error {
	fault.Hit(fault.AfterExternal)
	if errors.Is(err, topo.ErrAbsent) || errors.Is(err, topo.ErrConflict) {
		return nil
	}
	return err
}

// gone is true if there is certainly no such pod.
func (e *external) gone(ctx context.Context, namespace, name string) (bool, error) {
	err := e.live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, podMetadata())
	if kerrors.IsNotFound(err) {
		return true, nil
	}
	return false, errors.Wrapf(err, "cannot get pod %s", name)
}

// reload settings, at all servers at the same time. The next observation reads back what came of it.
func (e *external) reload(ctx context.Context, mg *v1alpha1.ShardRecord, ops []shardstate.Operation) {
	var wg sync.WaitGroup
	for _, op := range ops {
		host := e.view.poolers[op.ID].Message.GetHostname()
		wg.Go(func() { _ = poolers.Reload(ctx, host, mg.Spec.ForProvider.Settings.ReloadPort) })
	}
	wg.Wait()
	since := mg.GetCondition(shardstate.TypeSettingsApplied).LastTransitionTime
	if time.Since(since.Time) < reloadPatience {
		requeue.After(ctx, reloadInterval)
	}
}

// setConditions shows the verdicts.
func (e *external) setConditions(mg *v1alpha1.ShardRecord) {
	for _, v := range e.state.Verdicts {
		if now, ok := e.rewinds.verdict(mg.GetUID()); ok && v.Type == shardstate.TypeRejoined {
			v = now
		}
		// Whether it fails again shows when it is tried.
		if v.Reason == shardstate.ReasonRemoving && attempted(mg) {
			continue
		}
		mg.SetConditions(condition(mg, v))
	}
	mg.Status.Conditions = slices.DeleteFunc(mg.Status.Conditions, func(c xpv2.Condition) bool {
		return optional[string(c.Type)] && !slices.ContainsFunc(e.state.Verdicts, func(v shardstate.Verdict) bool { return v.Type == string(c.Type) })
	})
}

// optional are the conditions that go when nothing is to be said any more.
var optional = map[string]bool{shardstate.TypeBackupsOnSchedule: true, shardstate.TypeSurplusBackupsRemoved: true}

// condition is a verdict with its time, which moves only when the verdict changes.
func condition(mg *v1alpha1.ShardRecord, v shardstate.Verdict) xpv2.Condition {
	c := xpv2.Condition{
		Type: xpv2.ConditionType(v.Type), Status: v.Status, Reason: xpv2.ConditionReason(v.Reason), Message: v.Message,
		ObservedGeneration: mg.GetGeneration(), LastTransitionTime: metav1.Now(),
	}
	if now := mg.GetCondition(c.Type); now.Status == c.Status && now.Reason == c.Reason {
		c.LastTransitionTime = now.LastTransitionTime
	}
	return c
}
