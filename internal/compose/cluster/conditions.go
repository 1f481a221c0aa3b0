package cluster

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// Condition types of a cluster beside those of every composite.
const (
	// TypeAvailable is True while clients can use the cluster.
	TypeAvailable = "Available"
	// TypeTemplatesResolved is True if the configuration that applies is known.
	TypeTemplatesResolved = "TemplatesResolved"
	// TypeTopologyReady is True while the global topology server serves.
	TypeTopologyReady = "TopologyReady"
	// TypeCellsReady is True while every cell has a ready gateway.
	TypeCellsReady = "CellsReady"
	// TypeDatabasesReady is True while every shard serves.
	TypeDatabasesReady = "DatabasesReady"
	// TypeImageRolloutPending is True while new default images wait for an acknowledgement.
	TypeImageRolloutPending = "ImageRolloutPending"
	// TypeGatewayExternalReady is True while clients outside the Kubernetes cluster reach a gateway. Only a cluster that exposes
	// its gateways has it.
	TypeGatewayExternalReady = "GatewayExternalReady"
	// TypeAdminWebExternalReady is the same for the admin user interface.
	TypeAdminWebExternalReady = "AdminWebExternalReady"
	// TypeConfigurationWarnings is True if something in the configuration works but is fragile or has no effect.
	TypeConfigurationWarnings = "ConfigurationWarnings"
)

// reasonNotEnabled says that something is not asked for any more. A condition once reported cannot be taken back.
const reasonNotEnabled = "NotEnabled"

func (a *assembly) conditions(h health) []compose.Condition {
	images := compose.False(TypeImageRolloutPending, a.c.Images.Reason, a.c.Images.Message)
	if a.c.Images.Pending {
		images.Status = metav1.ConditionTrue
	}
	out := []compose.Condition{
		compose.Valid(),
		a.templatesCondition(),
		a.topologyCondition(h),
		cellsCondition(h),
		databasesCondition(h),
		availableCondition(h),
		compose.Progress(h.waiting),
		compose.Degradation("ComponentsDegraded", h.broken),
		images,
	}
	out = append(out, a.removals.Conditions()...)
	out = append(out, a.gatewayCondition(h)...)
	return append(out, a.adminWebCondition()...)
}

func (a *assembly) templatesCondition() compose.Condition {
	t := a.c.ResolvedTemplates
	names := slices.Concat(
		prefixed(v1alpha1.CoreTemplateKind, t.CoreTemplates),
		prefixed(v1alpha1.CellTemplateKind, t.CellTemplates),
		prefixed(v1alpha1.ShardTemplateKind, t.ShardTemplates),
	)
	if len(names) == 0 {
		return compose.True(TypeTemplatesResolved, "NoTemplates", "")
	}
	return compose.True(TypeTemplatesResolved, "Resolved", compose.Few(names))
}

func prefixed(kind string, names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		out = append(out, kind+" "+n)
	}
	return out
}

func (a *assembly) topologyCondition(h health) compose.Condition {
	managed := a.c.GlobalTopo.Managed != nil
	switch {
	case h.topology && managed:
		return compose.True(TypeTopologyReady, "Serving", "")
	case h.topology:
		return compose.True(TypeTopologyReady, "Reachable", "")
	case managed:
		return compose.False(TypeTopologyReady, "NotServing", withMessage("the topology server does not serve", a.s.Observed(naming.KeyGlobalTopo)))
	}
	return compose.False(TypeTopologyReady, "NotReachable", "no record could be read or written so far")
}

func cellsCondition(h health) compose.Condition {
	count := fmt.Sprintf("%d of %d cells ready", h.cells, h.wantCells)
	if h.cells == h.wantCells {
		return compose.True(TypeCellsReady, "AllCellsReady", count)
	}
	return compose.False(TypeCellsReady, "CellsNotReady", count)
}

func databasesCondition(h health) compose.Condition {
	count := fmt.Sprintf("%d of %d shards ready", h.shards, h.wantShards)
	if h.tableGroups {
		return compose.True(TypeDatabasesReady, "AllShardsReady", count)
	}
	return compose.False(TypeDatabasesReady, "ShardsNotReady", count)
}

func availableCondition(h health) compose.Condition {
	if h.serves() {
		return compose.True(TypeAvailable, "Serving", "")
	}
	var lacks []string
	if !h.topology {
		lacks = append(lacks, "the topology server")
	}
	if h.cells < h.wantCells {
		lacks = append(lacks, fmt.Sprintf("gateways of %d of %d cells", h.wantCells-h.cells, h.wantCells))
	}
	if !h.tableGroups {
		lacks = append(lacks, fmt.Sprintf("%d of %d shards", h.wantShards-h.shards, h.wantShards))
	}
	return compose.False(TypeAvailable, "NotServing", "not ready: "+strings.Join(lacks, ", "))
}

// gatewayCondition says whether clients outside reach a gateway, if they are to.
func (a *assembly) gatewayCondition(h health) []compose.Condition {
	if !a.c.ExternalGateway.IsEnabled() {
		return disabled(a.in.XR, TypeGatewayExternalReady)
	}
	endpoint := externalEndpoint(a.s.Observed(naming.KeyMultiGatewayService), a.c.ExternalGateway)
	return []compose.Condition{external(TypeGatewayExternalReady, endpoint, h.gateways, "NoReadyGateways", "no gateway is ready")}
}

// adminWebCondition says whether the admin user interface is reached from outside, if it is to be.
func (a *assembly) adminWebCondition() []compose.Condition {
	if !a.c.ExternalAdminWeb.IsEnabled() {
		return disabled(a.in.XR, TypeAdminWebExternalReady)
	}
	endpoint := externalEndpoint(a.s.Observed(naming.KeyMultiAdminWebService), a.c.ExternalAdminWeb)
	ready := a.s.Observed(naming.KeyMultiAdminWebDeployment).Int("status", "readyReplicas")
	return []compose.Condition{external(TypeAdminWebExternalReady, endpoint, ready, "NoReadyAdminWeb", "no multiadmin-web is ready")}
}

func external(typ, endpoint string, ready int64, unready, unreadyMessage string) compose.Condition {
	switch {
	case endpoint == "":
		return compose.False(typ, "AwaitingEndpoint", "the Service has no external address")
	case ready == 0:
		return compose.False(typ, unready, unreadyMessage)
	}
	return compose.True(typ, "EndpointReady", endpoint)
}

// disabled returns the condition of something that is not asked for any more, and none if it never was.
func disabled(xr object.Object, typ string) []compose.Condition {
	if _, ok := xr.Condition(typ); !ok {
		return nil
	}
	return []compose.Condition{compose.False(typ, reasonNotEnabled, "")}
}

// mostWarnings is how many warnings are told at once.
const mostWarnings = 10

// warningCondition says what in the configuration is fragile or has no effect.
func warningCondition(warnings []resolve.Warning) compose.Condition {
	if len(warnings) == 0 {
		return compose.False(TypeConfigurationWarnings, compose.ReasonAsExpected, "")
	}
	var ms []string
	for _, w := range warnings {
		ms = append(ms, w.Message)
	}
	if more := len(ms) - mostWarnings; more > 0 {
		ms = append(ms[:mostWarnings], fmt.Sprintf("and %d more", more))
	}
	return compose.True(TypeConfigurationWarnings, warnings[0].Reason, strings.Join(ms, "; "))
}

// warningEvent returns the event of a configuration whose warnings are new.
func warningEvent(xr object.Object, now compose.Condition) []compose.Event {
	old, _ := xr.Condition(TypeConfigurationWarnings)
	if now.Message == "" || now.Message == old.Message {
		return nil
	}
	return []compose.Event{{Warning: true, Reason: TypeConfigurationWarnings, Message: now.Message}}
}
