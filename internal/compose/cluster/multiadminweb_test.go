package cluster

import "testing"

func TestBuildMultiAdminWeb(t *testing.T) {
	same(t, "The user interface finds the API and the gateways by their Services, and gets no password.",
		buildMultiAdminWeb(resolved(t, everything, givenEverything...)), `
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders-multiadmin-web, labels: {`+labels("multiadmin-web")+`}}
spec:
  replicas: 3
  selector: {matchLabels: {app.kubernetes.io/component: multiadmin-web, app.kubernetes.io/instance: orders, multigres.com/cluster: orders}}
  template:
    metadata:
      labels: {`+labels("multiadmin-web")+`}
      annotations: {multigres.com/project-ref: shop}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      imagePullSecrets: [{name: registry}]
      tolerations: [{key: web, operator: Exists}]
      securityContext:
        {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, fsGroupChangePolicy: OnRootMismatch, seccompProfile: {type: RuntimeDefault}}
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 100
            podAffinityTerm:
              topologyKey: kubernetes.io/hostname
              labelSelector: {matchLabels: {app.kubernetes.io/component: multiadmin-web, app.kubernetes.io/instance: orders, multigres.com/cluster: orders}}
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: topology.kubernetes.io/zone
        whenUnsatisfiable: ScheduleAnyway
        labelSelector: {matchLabels: {app.kubernetes.io/component: multiadmin-web, app.kubernetes.io/instance: orders, multigres.com/cluster: orders}}
      containers:
      - name: multiadmin-web
        image: ghcr.io/multigres/multiadmin-web:v0.1.0
        imagePullPolicy: Always
        env:
        - {name: HOSTNAME, value: "::"}
        - {name: MULTIADMIN_API_URL, value: "http://orders-multiadmin:18000"}
        - {name: POSTGRES_HOST, value: orders-multigateway}
        - {name: POSTGRES_PORT, value: "5432"}
        - {name: POSTGRES_DATABASE, value: postgres}
        - {name: POSTGRES_USER, value: root}
        ports: [{name: http, containerPort: 18100, protocol: TCP}]
        resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
        startupProbe: {httpGet: {path: /, port: 18100}, periodSeconds: 5, failureThreshold: 30}
        livenessProbe: {httpGet: {path: /, port: 18100}, periodSeconds: 10}
        readinessProbe: {httpGet: {path: /, port: 18100}, periodSeconds: 5}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`)
}

func TestBuildMultiAdminWebService(t *testing.T) {
	same(t, "The user interface can be exposed.", buildMultiAdminWebService(resolved(t, everything, givenEverything...)), `
apiVersion: v1
kind: Service
metadata: {name: orders-multiadmin-web, labels: {`+labels("multiadmin-web")+`}}
spec:
  type: ClusterIP
  externalIPs: [192.0.2.10, 192.0.2.11]
  selector: {app.kubernetes.io/component: multiadmin-web, app.kubernetes.io/instance: orders, multigres.com/cluster: orders}
  ports: [{name: http, port: 18100, targetPort: http, protocol: TCP}]
`)
}
