package v1alpha1

var clusterCases = map[string]ruleCase{
	"Minimal": {
		reason: "A cluster needs nothing but a cell.",
		kind:   "MultigresCluster",
		spec:   validCells,
	},
	"PasswordRef": {
		reason: "A password Secret may be named.",
		kind:   "MultigresCluster",
		spec:   validCells + `postgresPasswordSecretRef: {name: multigres-admin-password, key: password}`,
	},
	"NameOf25": {
		reason: "A name of 25 characters leaves room for those that are made from it.",
		kind:   "MultigresCluster",
		name:   "a234567890123456789012345",
		spec:   validCells,
	},
	"NameOf26": {
		reason: "A longer name does not.",
		kind:   "MultigresCluster",
		name:   "a2345678901234567890123456",
		spec:   validCells,
		want:   []string{"<nil>"},
	},
	"NameWithDot": {
		reason: "A name becomes part of a Service name, where a dot has a meaning of its own.",
		kind:   "MultigresCluster",
		name:   "a.b",
		spec:   validCells,
		want:   []string{"<nil>"},
	},
	"UnknownField": {
		reason: "A field that does not exist is a mistake.",
		kind:   "MultigresCluster",
		spec:   validCells + `celss: []`,
		want:   []string{"spec.celss"},
	},
	"Durability": {
		reason: "Both policies of the data plane are known, and an empty one inherits.",
		kind:   "MultigresCluster",
		spec:   validCells + "durabilityPolicy: MULTI_CELL_AT_LEAST_2\ndatabases: [{name: postgres, default: true, durabilityPolicy: \"\"}]",
	},
	"DurabilityTypo": {
		reason: "A typo in the durability policy is found before anything is made.",
		kind:   "MultigresCluster",
		spec:   validCells + `durabilityPolicy: AT_LEST_2`,
		want:   []string{"spec.durabilityPolicy"},
	},
	"AdminPlacementAlone": {
		reason: "Placement does not need a spec or a template beside it.",
		kind:   "MultigresCluster",
		spec:   validCells + "multiadmin: {placement: {tolerations: [{operator: Exists}]}}\nmultiadminWeb: {placement: {}}",
	},
	"AdminSpecAndTemplate": {
		reason: "A spec in place and a template contradict each other.",
		kind:   "MultigresCluster",
		spec:   validCells + `multiadmin: {spec: {replicas: 2}, templateRef: standard}`,
		want:   []string{"spec.multiadmin"},
	},
	"AdminWebSpecAndTemplate": {
		reason: "A spec in place and a template contradict each other.",
		kind:   "MultigresCluster",
		spec:   validCells + `multiadminWeb: {spec: {replicas: 2}, templateRef: standard}`,
		want:   []string{"spec.multiadminWeb"},
	},
	"PodMetadata": {
		reason: "Labels and annotations of pods may have a sensible length.",
		kind:   "MultigresCluster",
		spec:   validCells + `multiadmin: {spec: {podLabels: {team: core}, podAnnotations: {example.com/note: hello}}}`,
	},
	"PodLabelTooLong": {
		reason: "A label value has at most 63 characters.",
		kind:   "MultigresCluster",
		spec:   validCells + `multiadmin: {spec: {podLabels: {team: "` + long(64) + `"}}}`,
		want:   []string{"spec.multiadmin.spec.podLabels"},
	},
	"PodAnnotationTooLong": {
		reason: "An annotation value has at most 255 characters.",
		kind:   "MultigresCluster",
		spec:   validCells + `multiadmin: {spec: {podAnnotations: {team: "` + long(256) + `"}}}`,
		want:   []string{"spec.multiadmin.spec.podAnnotations"},
	},
	"External": {
		reason: "A Service may be exposed by addresses, a type and annotations.",
		kind:   "MultigresCluster",
		spec:   validCells + `externalGateway: {enabled: true, serviceType: LoadBalancer, externalIPs: [192.0.2.1, "2001:db8::1"], annotations: {example.com/lb: internal}}`,
	},
	"ExternalReservedAnnotation": {
		reason: "Our own prefix is reserved.",
		kind:   "MultigresCluster",
		spec:   validCells + `externalAdminWeb: {enabled: true, annotations: {multigres.com/x: z}}`,
		want:   []string{"spec.externalAdminWeb.annotations"},
	},
	"ExternalNotAnAddress": {
		reason: "A name is not an address.",
		kind:   "MultigresCluster",
		spec:   validCells + `externalGateway: {enabled: true, externalIPs: [example.com]}`,
		want:   []string{"spec.externalGateway.externalIPs[0]"},
	},
	"BufferDuration": {
		reason: "Durations have units, and may have several.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a, zone: z1, spec: {multigateway: {buffer: {window: 1m30.5s, size: 10}}}}]`,
	},
	"BufferDurationWithoutUnit": {
		reason: "A number is not a duration.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a, zone: z1, spec: {multigateway: {buffer: {window: "10"}}}}]`,
		want:   []string{"spec.cells[0].spec.multigateway.buffer.window"},
	},
	"PartialPVCPolicy": {
		reason: "Half a policy stays half a policy, so that the other half inherits.",
		kind:   "MultigresCluster",
		spec:   validCells + `pvcDeletionPolicy: {whenScaled: Delete}`,
	},
	"ClaimedCluster": {
		reason: "The composite of the claim takes the same fields.",
		kind:   "XMultigresCluster",
		spec:   validCells + `databases: [{name: postgres, default: true}]`,
	},
}

var cellCases = map[string]ruleCase{
	"CellKinds": {
		reason: "A cell is a zone ID, a region or a zone.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a, zoneId: z}, {name: b, region: z}, {name: c, zone: z}]`,
	},
	"CellNowhere": {
		reason: "A cell must be somewhere.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a}]`,
		want:   []string{"spec.cells[0]"},
	},
	"CellInTwoPlaces": {
		reason: "A cell cannot be in two places.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a, zoneId: z, region: z}]`,
		want:   []string{"spec.cells[0]"},
	},
	"CellTwice": {
		reason: "Names of cells are unique.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a, zone: z}, {name: a, zone: other}]`,
		want:   []string{"spec.cells[1]"},
	},
	"CellNameTooLong": {
		reason: "Names of cells have at most 30 characters.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: ` + long(31) + `, zone: z}]`,
		want:   []string{"spec.cells[0].name"},
	},
	"CellRemovedAndAdded": {
		reason: "Cells come and go.",
		kind:   "MultigresCluster",
		old:    `cells: [{name: a, zone: z1}, {name: b, zone: z2}]`,
		spec:   `cells: [{name: c, zone: z3}, {name: b, zone: z2}]`,
	},
	"CellMovesZoneID": {
		reason: "A cell does not move.",
		kind:   "MultigresCluster",
		old:    `cells: [{name: a, zoneId: z1}]`,
		spec:   `cells: [{name: a, zoneId: z2}]`,
		want:   []string{"spec.cells[0]"},
	},
	"CellMovesRegion": {
		reason: "A cell does not move.",
		kind:   "MultigresCluster",
		old:    `cells: [{name: a, region: z1}]`,
		spec:   `cells: [{name: a, region: z2}]`,
		want:   []string{"spec.cells[0]"},
	},
	"CellMovesZone": {
		reason: "A cell does not move, wherever it stands in the list.",
		kind:   "MultigresCluster",
		old:    `cells: [{name: a, zone: z1}, {name: b, zone: z2}]`,
		spec:   `cells: [{name: b, zone: z2}, {name: a, zone: z3}]`,
		want:   []string{"spec.cells[1]"},
	},
	"CellSwitchesLabel": {
		reason: "A cell that is found by another label may be elsewhere.",
		kind:   "MultigresCluster",
		old:    `cells: [{name: a, region: z}]`,
		spec:   `cells: [{name: a, zone: z}]`,
		want:   []string{"spec.cells[0]", "spec.cells[0]"},
	},
	"CellOverridesWithoutTemplate": {
		reason: "Overrides may change defaults, too.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a, zone: z, overrides: {multigateway: {replicas: 3}}}]`,
	},
	"CellSpecAndTemplate": {
		reason: "A spec in place and a template contradict each other.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a, zone: z, spec: {}, cellTemplate: t}]`,
		want:   []string{"spec.cells[0]"},
	},
	"CellSpecAndOverrides": {
		reason: "There is nothing to override in a spec in place.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a, zone: z, spec: {}, overrides: {}}]`,
		want:   []string{"spec.cells[0]"},
	},
	"LocalTopoServer": {
		reason: "A cell may have its own topology server.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a, zone: z, spec: {localTopoServer: {etcd: {replicas: 3, storage: {size: 1Gi}}}}}]`,
	},
	"LocalTopoServerEmpty": {
		reason: "A topology server that is nothing is a mistake.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a, zone: z, spec: {localTopoServer: {}}}]`,
		want:   []string{"spec.cells[0].spec.localTopoServer"},
	},
	"LocalTopoServerTwo": {
		reason: "A topology server is managed or it is not.",
		kind:   "MultigresCluster",
		spec:   `cells: [{name: a, zone: z, spec: {localTopoServer: {etcd: {}, external: {endpoints: ["http://a:2379"]}}}}]`,
		want:   []string{"spec.cells[0].spec.localTopoServer"},
	},
}
