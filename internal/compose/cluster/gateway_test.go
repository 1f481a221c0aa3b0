package cluster

import "testing"

const gatewaySelector = "app.kubernetes.io/component: multigateway, app.kubernetes.io/instance: orders, multigres.com/cluster: orders"

func TestBuildGatewayService(t *testing.T) {
	same(t, "The gateways of all cells are behind one Service.", buildGatewayService(resolved(t, minimal)), `
apiVersion: v1
kind: Service
metadata: {name: orders-multigateway, labels: {`+labels("multigateway")+`}}
spec:
  type: ClusterIP
  selector: {`+gatewaySelector+`}
  ports: [{name: postgres, port: 5432, targetPort: postgres, protocol: TCP}]
`)
	same(t, "Exposed, it has both ports at one address.", buildGatewayService(resolved(t, minimal+`
  externalGateway: {enabled: true, serviceType: LoadBalancer, externalIPs: [192.0.2.1], annotations: {lb: nlb}}
`)), `
apiVersion: v1
kind: Service
metadata: {name: orders-multigateway, labels: {`+labels("multigateway")+`}, annotations: {lb: nlb}}
spec:
  type: LoadBalancer
  externalIPs: [192.0.2.1]
  selector: {`+gatewaySelector+`}
  ports:
  - {name: postgres, port: 5432, targetPort: postgres, protocol: TCP}
  - {name: pg-replica, port: 5433, targetPort: pg-replica, protocol: TCP}
`)
	same(t, "What is configured and not enabled stays inside.", buildGatewayService(resolved(t, minimal+`
  externalGateway: {enabled: false, serviceType: LoadBalancer, annotations: {lb: nlb}}
`)), `
apiVersion: v1
kind: Service
metadata: {name: orders-multigateway, labels: {`+labels("multigateway")+`}}
spec:
  type: ClusterIP
  selector: {`+gatewaySelector+`}
  ports: [{name: postgres, port: 5432, targetPort: postgres, protocol: TCP}]
`)
}

func TestBuildGatewayReplicaService(t *testing.T) {
	same(t, "Reads that may be stale have a Service of their own.", buildGatewayReplicaService(resolved(t, everything, givenEverything...)), `
apiVersion: v1
kind: Service
metadata: {name: orders-multigateway-replica, labels: {`+labels("multigateway")+`}}
spec:
  type: ClusterIP
  selector: {`+gatewaySelector+`}
  ports: [{name: pg-replica, port: 5433, targetPort: pg-replica, protocol: TCP}]
`)
}
