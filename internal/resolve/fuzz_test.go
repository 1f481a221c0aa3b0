package resolve

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// hugeExponent is in quantities that Kubernetes itself takes for ever to decode.
var hugeExponent = regexp.MustCompile(`[eE][+-]?[0-9]{4,}`)

// FuzzResolve resolves whatever can be decoded. The API server lets through less, but offline nobody stands before the function.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{
		`{}`,
		`{"cluster":{"metadata":{"name":"c","namespace":"ns"},"spec":{"cells":[{"name":"z1","zone":"z"}]}}}`,
		`{"cluster":{"spec":{"templateDefaults":{"coreTemplate":"a","cellTemplate":"a","shardTemplate":"a"},"cells":[{"name":"z1","overrides":{"multigateway":{"replicas":3}}}]}},
		  "core":{"a":{"spec":{"globalTopoServer":{"etcd":{"replicas":1,"storage":{"size":"1Gi"}}},"multiadmin":{"replicas":2}}}},
		  "cell":{"a":{"spec":{"localTopoServer":{"etcd":{}},"multigateway":{"buffer":{"window":"1s"}}}}},
		  "shard":{"a":{"spec":{"pools":{"main":{"cells":["z1"],"replicasPerCell":3,"postgres":{"resources":{"requests":{"cpu":"1"}}}}},"postgresConfig":{"work_mem":"4MB"}}}}}`,
		`{"cluster":{"spec":{"cells":null,"databases":[{"name":"x","tablegroups":[{"shards":[{"spec":{"pools":{"":{}},"multiorch":{"cells":[""]}}}]}]}],
		  "globalTopoServer":{"external":{"endpoints":["https://a:1","http://u:p@b"]}},"backup":{"type":"s3"},"externalGateway":{"enabled":true,"externalIPs":["x"]}}}}`,
		`{"cluster":{"metadata":{"annotations":{"multigres.com/applied-images":"{"}},"spec":{"imageUpdatePolicy":{"strategy":"lazy","acknowledgedRevision":"a"},"backup":{"type":"filesystem","filesystem":{"path":"/x/..","storage":{"accessModes":["ReadWriteOnce"]}}}},
		  "status":{"images":{"applied":{"postgres":"x"}}}}}`,
		`{"cluster":{"spec":{"cells":[{"name":"z1"},{"name":"z1"}],"databases":[{"backup":{"type":"s3","s3":{"bucket":"b"}},"tablegroups":[{"backup":{"type":"filesystem"},"shards":[{"backup":{"type":"s3"}}]}]}]}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if hugeExponent.Match(data) {
			return
		}
		var in struct {
			Cluster  v1alpha1.MultigresCluster          `json:"cluster"`
			Core     map[string]*v1alpha1.CoreTemplate  `json:"core"`
			Cell     map[string]*v1alpha1.CellTemplate  `json:"cell"`
			Shard    map[string]*v1alpha1.ShardTemplate `json:"shard"`
			Previous *v1alpha1.EffectiveConfig          `json:"previous"`
		}
		if err := json.Unmarshal(data, &in); err != nil {
			return
		}
		ts := Templates{Core: in.Core, Cell: in.Cell, Shard: in.Shard}
		Names(&in.Cluster.Spec)
		got, warnings, errs := Resolve(&in.Cluster, ts, ImageDefaults{})
		_, warningsAgain, errsAgain := Resolve(&in.Cluster, ts, ImageDefaults{})
		if diff := cmp.Diff(problems(errs), problems(errsAgain)); diff != "" {
			t.Errorf("the same sources give other problems: -first, +second:\n%s", diff)
		}
		if diff := cmp.Diff(warnings, warningsAgain); diff != "" {
			t.Errorf("the same sources give other warnings: -first, +second:\n%s", diff)
		}
		for _, err := range errs {
			if err.Field == "" || err.Error() == "" {
				t.Errorf("a problem without a path or a message: %+v", err)
			}
		}
		if len(errs) > 0 {
			return
		}
		got.ConfigRefs()
		got.CheckAgainst(in.Previous)
		if errs := got.CheckAgainst(got.Effective()); len(errs) > 0 {
			t.Errorf("a cluster that does not change is refused: %v", errs)
		}
	})
}
