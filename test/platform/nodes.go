package platform

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/test/kubelet"
)

// labelZoneID is the label by which cells with a zoneId choose nodes.
const labelZoneID = "topology.k8s.aws/zone-id"

// ExampleNodes are in the zones that the examples name, one node each.
func ExampleNodes() []kubelet.Node {
	zones := []string{
		"us-central1-a", "us-central1-b", "us-central1-c", "eu-central-1a", "eu-central-1b", "eu-central-1c", "eu-west-1a",
		"us-east-1a", "use1-az1", "use1-az2", "use1-az3",
	}

	all := make([]kubelet.Node, 0, len(zones))
	for _, zone := range zones {
		all = append(all, kubelet.Node{Name: "node-" + zone, Labels: map[string]string{corev1.LabelTopologyZone: zone, labelZoneID: zone}})
	}

	return all
}
