package naming

// Cell names a Cell.
func Cell(cluster, cell string) string {
	return Join(XR, cluster, cell)
}

// LocalTopoServer names the TopoServer that serves one cell only, and the
// StatefulSet and client Service behind it.
func LocalTopoServer(cluster, cell string) string {
	return Join(StatefulSet, Cell(cluster, cell), "topo")
}

// GatewayDeployment names the Deployment of a cell's gateways.
func GatewayDeployment(cluster, cell string) string {
	return Join(Default, cluster, cell, ComponentMultiGateway)
}

// GatewayService names the Service that reaches one cell's gateways.
func GatewayService(cluster, cell string) string {
	return Join(Service, cluster, cell, ComponentMultiGateway)
}

// GatewayPDB names the PodDisruptionBudget of a cell's gateways.
func GatewayPDB(cluster, cell string) string {
	return Join(Service, cluster, cell, ComponentMultiGateway, "pdb")
}
