package shard

import (
	"fmt"
	"slices"
	"strings"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
)

// TypeSettingsHeld is True while settings keep a higher value than the one that is wanted. There is no such condition while nothing
// was ever held.
const TypeSettingsHeld = "SettingsHeld"

// Reasons of SettingsHeld.
const (
	reasonLeaderFirst = "LeaderMustBeFirst"
	reasonNotHeld     = "AsSpecified"
)

// standingSettings is what is known of the settings of leaders that this shard had. Some settings must be lowered on the leader before
// a standby has less: a standby that starts with less than its log says ends at once. Rollouts make the leader's pod anew last, and
// another one leads then, with what it had. So these settings are never lowered below what a leader had, unless an administrator says
// that they have seen to it.
type standingSettings struct {
	// born is false if nothing was ever written: then anything goes.
	born bool
	// composed is what the ConfigMap gives to servers that start.
	composed pgconf.Floor
	// noted is what the ConfigMap remembers of a leader, while its servers do not have what it gives. Nil if it does not.
	noted pgconf.Floor
	// leader is the hash of the settings that the leader's pod was made with. It is empty if it is not known who leads.
	leader string
	// current is true if these are those of the ConfigMap.
	current bool
}

func standing(in compose.Input) standingSettings {
	cm := in.Observed[naming.KeyPostgresConfig]
	rec := newRecord(in.Observed[naming.KeyShardRecord])
	st := standingSettings{born: cm.Exists() && rec.born()}
	if !st.born {
		return st
	}
	composed, hash := pgconf.Read(cm.String("data", pgconf.FilePostgresConf))
	st.composed = composed
	st.noted = pgconf.ParseFloor(cm.Annotation(naming.AnnotationStandbySettings))
	if rec.known && rec.LeaderPod != "" {
		for _, o := range in.Observed {
			if o.GroupKind() == kindPod && o.Name() == rec.LeaderPod {
				st.leader = o.Annotation(naming.AnnotationPostgresConfigHash)
			}
		}
	}
	st.current = st.leader != "" && st.leader == hash
	return st
}

// born is true unless the record is sure that the shard was never initialised.
func (r *record) born() bool {
	return !r.known || r.InitClaim != nil || len(r.Cohort) > 0 || r.LeaderPod != "" || slices.ContainsFunc(r.Poolers, func(p mv1alpha1.PoolerObservation) bool {
		return p.Initialized || p.InCohort
	})
}

// bounds returns what settings must not be lowered below, and what a leader surely had.
func (st standingSettings) bounds(ignored []string) (floor, had pgconf.Floor) {
	switch {
	case !st.born:
		return nil, nil
	case st.noted == nil || st.current:
		floor, had = st.composed, st.composed
	case st.leader == "":
		// Somebody with the settings of now may have led, or lead without being known.
		floor, had = st.composed.Max(st.noted), st.noted
	default:
		floor, had = st.noted, st.noted
	}
	if slices.Contains(ignored, overrideSettings) {
		floor = nil
	}
	return floor, had
}

// note returns what the ConfigMap with these settings has to remember: what the leader had, unless it is the same.
func (st standingSettings) note(conf pgconf.Config) string {
	_, had := st.bounds(nil)
	if had == nil || had.String() == conf.Floor().String() || st.leader == conf.RestartHash {
		return ""
	}
	return had.String()
}

// lowering says which settings are held, and what can be done.
func lowering(in compose.Input, conf pgconf.Config) []compose.Condition {
	if len(conf.Held) == 0 {
		if _, known := in.XR.Condition(TypeSettingsHeld); known {
			return []compose.Condition{compose.False(TypeSettingsHeld, reasonNotHeld, "")}
		}
		return nil
	}
	names := make([]string, 0, len(conf.Held))
	for _, h := range conf.Held {
		names = append(names, fmt.Sprintf("%s stays at %d instead of %d", h.Name, h.Kept, h.Wanted))
	}
	return []compose.Condition{compose.True(TypeSettingsHeld, reasonLeaderFirst,
		strings.Join(names, ", ")+": standbys must not have less than their leader had; write what it has, or lower it by hand as docs/rollout.md says")}
}
