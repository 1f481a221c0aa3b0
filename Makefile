# Everything a developer or CI runs. It needs Go, git, make and a POSIX shell;
# all else is built from the modules under tools/ into .cache/bin.
#
#   make            lists the targets
#   make render     the whole tree of the minimal cluster, and every example
#   make test       all tests

REGISTRY  ?= ghcr.io/crossplane-multigres
VERSION   ?= v0.1.0-dev
ARCHS     ?= $(shell go env GOARCH)
NAMESPACE ?= crossplane-system
SIGN_KEY  ?=
FUZZTIME  ?= 10s
FUZZJOBS  ?= 2
BENCHTIME ?= 1s

# One set of flags for all that is compiled here, so that tools, programs and
# tests share the build cache, and equal sources give equal bytes.
export CGO_ENABLED := 0
export GOFLAGS := $(strip $(filter-out -trimpath -buildvcs=false,$(GOFLAGS)) -trimpath -buildvcs=false)
export GOWORK := off

CACHE := $(CURDIR)/.cache
BIN   := $(CACHE)/bin
XPKG  := $(CACHE)/xpkg

# Programs for Linux, by architecture, and what they and the packages are made from.
PROGRAMS := $(CACHE)/linux
SHIPPED  := go.mod go.sum crossplane.yaml apis cmd fn internal package

# pin is the version of module $(2) in tools/$(1): go.mod is the only place that
# names it. Binaries carry it in their names, so a new pin is a new file.
pin = $(shell awk '{for (i = 1; i < NF; i++) if ($$i == "$(2)") {print $$(i + 1); exit}}' tools/$(1)/go.mod)

CROSSPLANE_VERSION := $(call pin,crossplane,github.com/crossplane/crossplane/v2)
CRANK_VERSION      := $(call pin,crank,github.com/crossplane/crossplane/v2)

CONTROLLER_GEN := $(BIN)/controller-gen-$(call pin,controller-gen,sigs.k8s.io/controller-tools)
ANGRYJET       := $(BIN)/angryjet-$(call pin,angryjet,github.com/crossplane/crossplane-tools)
GOLANGCI_LINT  := $(BIN)/golangci-lint-$(call pin,golangci-lint,github.com/golangci/golangci-lint/v2)
CORE           := $(BIN)/crossplane-core-$(CROSSPLANE_VERSION)
CLI            := $(BIN)/crossplane-$(CRANK_VERSION)
XPKG_TOOL      := $(BIN)/xpkg
ETCD           := $(BIN)/etcd-$(call pin,etcd,go.etcd.io/etcd/server/v3)
SCHEMAS        := $(CACHE)/schemas-$(CROSSPLANE_VERSION)
CLUSTER        := $(CACHE)/crossplane-$(CROSSPLANE_VERSION)

KUBERNETES_VERSION := $(call pin,kubernetes,k8s.io/kubernetes)
kubernetes          = $(1:%=$(BIN)/%-$(KUBERNETES_VERSION))
CONTROL_PLANE      := $(call kubernetes,kube-apiserver kube-controller-manager kube-scheduler)
KUBECTL            := $(call kubernetes,kubectl)
NODE               := $(call kubernetes,kubelet kube-proxy)

# What a bed runs beside Kubernetes (test/bed), and what its images are made of.
CONTAINERD_VERSION := $(call pin,containerd,github.com/containerd/containerd/v2)
MULTIGRES_VERSION  := $(call pin,multigres,github.com/multigres/multigres)
CONTAINERD         := $(foreach p,containerd ctr containerd-shim-runc-v2,$(BIN)/$(p)-$(CONTAINERD_VERSION))
RUNC               := $(BIN)/runc-$(call pin,runc,github.com/opencontainers/runc)
CNI                := $(BIN)/cni-$(call pin,cni,github.com/containernetworking/plugins)
COREDNS            := $(BIN)/coredns-$(call pin,coredns,github.com/coredns/coredns)
LOCAL_PATH         := $(BIN)/local-path-provisioner-$(call pin,local-path-provisioner,github.com/rancher/local-path-provisioner)
HELM               := $(BIN)/helm-$(call pin,helm,helm.sh/helm/v3)
MULTIGRES          := $(BIN)/multigres-$(MULTIGRES_VERSION)
IMAGE_TOOLS        := $(foreach p,image registry pause placeholder,$(BIN)/$(p))
IMAGES             := $(CACHE)/images

# The linter's cache holds paths: one that two checkouts share names files of the other.
export GOLANGCI_LINT_CACHE := $(CACHE)/lint

# What tests that drive other programs read (internal/engine).
export CROSSPLANE_CORE    := $(CORE)
export CROSSPLANE_CLI     := $(CLI)
export CROSSPLANE_SCHEMAS := $(SCHEMAS)
export FUNCTION_BIN       := $(BIN)/function
export ETCD_BIN           := $(ETCD)

# What test/controlplane, test/crossplane and test/platform start and install.
export XPKG_BIN                    := $(XPKG_TOOL)
export XPKG_DIR                    := $(CACHE)/e2e-xpkg
export XPKG_VERSION                := v0.1.0-e2e
export XPKG_PREVIOUS_DIR           := $(CACHE)/e2e-previous/xpkg
export XPKG_PREVIOUS_VERSION       := v0.0.9-e2e
export CROSSPLANE_CLUSTER          := $(CLUSTER)
export KUBE_APISERVER_BIN          := $(call kubernetes,kube-apiserver)
export KUBE_CONTROLLER_MANAGER_BIN := $(call kubernetes,kube-controller-manager)
export KUBE_SCHEDULER_BIN          := $(call kubernetes,kube-scheduler)

# The provider with its fault points, for test/provider.
export PROVIDER_FAULT_BIN := $(BIN)/provider-fault

comma := ,
say = @printf '==> %s\n'

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' Makefile
	@echo "  Variables: REGISTRY=$(REGISTRY) VERSION=$(VERSION) ARCHS=$(ARCHS) FUZZTIME=$(FUZZTIME) BENCHTIME=$(BENCHTIME)"

# ---- Programs ----------------------------------------------------------------

.PHONY: build
build: ## Build our programs into .cache/bin.
	$(say) "build: programs"
	@mkdir -p $(BIN)
	@go build -ldflags='-s -w' -o $(BIN)/ ./cmd/...

.PHONY: tools
tools: $(CONTROLLER_GEN) $(ANGRYJET) $(GOLANGCI_LINT) $(CORE) $(CLI) $(ETCD) $(XPKG_TOOL) $(SCHEMAS) $(CONTROL_PLANE) $(CLUSTER) ## Build the pinned tools into .cache/bin.

# tool builds package $(2) of module tools/$(1) with linker flags $(3) as $@.
define tool
@printf '==> tools: %s\n' '$(notdir $@)'
@mkdir -p $(BIN)
@cd tools/$(1) && go build -ldflags='-s -w $(3)' -o '$@' $(2)
endef

$(CONTROLLER_GEN): tools/controller-gen/go.mod
	$(call tool,controller-gen,sigs.k8s.io/controller-tools/cmd/controller-gen)

$(ANGRYJET): tools/angryjet/go.mod
	$(call tool,angryjet,github.com/crossplane/crossplane-tools/cmd/angryjet)

$(GOLANGCI_LINT): tools/golangci-lint/go.mod
	$(call tool,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)

# Without the version stamp core refuses every package that names the Crossplane
# versions it needs. The RBAC manager serves metrics on a port that no flag
# changes, so that a second one on the machine would not start: it serves none.
$(CORE): tools/crossplane/go.mod
	$(call tool,crossplane,github.com/crossplane/crossplane/v2/cmd/crossplane,-X github.com/crossplane/crossplane-runtime/v2/pkg/version.version=$(CROSSPLANE_VERSION) -X sigs.k8s.io/controller-runtime/pkg/metrics/server.DefaultBindAddress=0)

$(CLI): tools/crank/go.mod
	$(call tool,crank,github.com/crossplane/crossplane/v2/cmd/crank,-X github.com/crossplane/crossplane/v2/internal/version.version=$(CRANK_VERSION))

$(ETCD): tools/etcd/go.mod tools/etcd/main.go
	$(call tool,etcd,.)

# Without the stamp the programs say that they are v0.0.0-master.
kubernetes-version = k8s.io/component-base/version
$(CONTROL_PLANE) $(KUBECTL) $(NODE): $(BIN)/%-$(KUBERNETES_VERSION): tools/kubernetes/go.mod
	$(call tool,kubernetes,k8s.io/kubernetes/cmd/$*,$(foreach v,gitVersion=$(KUBERNETES_VERSION) gitMajor=1 gitMinor=$(word 2,$(subst ., ,$(KUBERNETES_VERSION))),-X $(kubernetes-version).$(v)))

$(XPKG_TOOL): tools/image/go.mod $(wildcard tools/image/oci/*.go tools/image/cmd/xpkg/*.go)
	$(call tool,image,./cmd/xpkg)

$(CONTAINERD): $(BIN)/%-$(CONTAINERD_VERSION): tools/containerd/go.mod
	$(call tool,containerd,-tags=no_btrfs$(comma)no_zfs$(comma)no_devmapper github.com/containerd/containerd/v2/cmd/$*)

# The only program here that is linked with C: without libseccomp no pod with a seccomp profile starts.
$(RUNC): tools/runc/go.mod $(IMAGES)/host
	@printf '==> tools: %s\n' '$(notdir $@)'
	@lib=$$(dirname $$(ls -d $(IMAGES)/host/usr/lib/*/pkgconfig)); cd tools/runc && \
		PKG_CONFIG_PATH=$$lib/pkgconfig CGO_LDFLAGS="-L$$lib -static" CGO_ENABLED=1 \
		go build -tags 'seccomp netgo osusergo' -ldflags '-s -w -extldflags -static' -o '$@' github.com/opencontainers/runc

$(CNI): tools/cni/go.mod
	@printf '==> tools: %s\n' '$(notdir $@)'
	@mkdir -p '$@.tmp' && cd tools/cni && go build -ldflags='-s -w' -o '$@.tmp/' \
		$(addprefix github.com/containernetworking/plugins/plugins/,main/bridge main/loopback ipam/host-local)
	@rm -rf '$@' && mv '$@.tmp' '$@'

$(COREDNS): tools/coredns/go.mod tools/coredns/main.go
	$(call tool,coredns,.)

$(LOCAL_PATH): tools/local-path-provisioner/go.mod
	$(call tool,local-path-provisioner,github.com/rancher/local-path-provisioner)

$(HELM): tools/helm/go.mod
	$(call tool,helm,helm.sh/helm/v3/cmd/helm)

$(MULTIGRES): tools/multigres/go.mod
	@printf '==> tools: %s\n' '$(notdir $@)'
	@mkdir -p '$@.tmp' && cd tools/multigres && go build -ldflags='-s -w' -o '$@.tmp/' \
		$(addprefix github.com/multigres/multigres/go/cmd/,multipooler multiorch multigateway multiadmin pgctld)
	@rm -rf '$@' && mv '$@.tmp' '$@'

$(IMAGE_TOOLS): $(BIN)/%: tools/image/go.mod $(wildcard tools/image/oci/*.go tools/image/cmd/*/*.go)
	$(call tool,image,./cmd/$*)

# module prints the folder of Crossplane's sources.
module = $$(cd tools/crossplane && go mod download github.com/crossplane/crossplane/v2 && go list -m -f '{{.Dir}}' github.com/crossplane/crossplane/v2)

# "crossplane beta validate" wants the CRDs of Crossplane itself from a registry;
# this is its cache, filled from the module instead.
$(SCHEMAS): tools/crossplane/go.mod
	$(say) "tools: schemas of Crossplane $(CROSSPLANE_VERSION)"
	@set -e; src="$(module)"; \
	dir='$@.tmp/xpkg.crossplane.io/crossplane/crossplane@local'; \
	rm -rf '$@' '$@.tmp'; mkdir -p "$$dir"; \
	for f in "$$src"/cluster/crds/*.yaml; do cat "$$f"; echo; echo '---'; done >"$$dir/package.yaml"; \
	mv '$@.tmp' '$@'

# What Crossplane's chart and its image hold beside the program.
$(CLUSTER): tools/crossplane/go.mod
	$(say) "tools: chart and definitions of Crossplane $(CROSSPLANE_VERSION)"
	@set -e; src="$(module)"; rm -rf '$@' '$@.tmp'; mkdir -p '$@.tmp'; \
	cp -R "$$src"/cluster/crds "$$src"/cluster/webhookconfigurations "$$src"/cluster/charts '$@.tmp'; chmod -R u+w '$@.tmp'; \
	mv '$@.tmp' '$@'

# ---- Generated code ----------------------------------------------------------

.PHONY: generate
generate: $(CONTROLLER_GEN) $(ANGRYJET) ## Generate deep copies, methods, CRDs, XRDs and Compositions.
	$(say) "generate: deep copies"
	@$(CONTROLLER_GEN) object paths=./apis/...
	$(say) "generate: managed resource methods"
	@$(ANGRYJET) generate-methodsets ./apis/m/...
	$(say) "generate: CRDs"
	@rm -rf $(CACHE)/crd package/provider/crds
	@$(CONTROLLER_GEN) crd:crdVersions=v1 paths=./apis/v1alpha1/... output:crd:artifacts:config=$(CACHE)/crd
	@$(CONTROLLER_GEN) crd:crdVersions=v1 paths=./apis/m/... output:crd:artifacts:config=package/provider/crds
	$(say) "generate: XRDs, Compositions and template CRDs"
	@go run ./internal/xrdgen/cmd
	$(say) "generate: render protocol of Crossplane $(CROSSPLANE_VERSION)"
	@src="$(module)" && cat "$$src"/proto/render/v1alpha1/render.pb.go >internal/engine/render/v1alpha1/render.pb.go

# checksums prints one line per file that `make generate` writes.
checksums = find apis internal package -type f \( -name 'zz_*' -o -name '*.pb.go' -o -name '*.yaml' \) -exec cksum {} + | sort -k 3

.PHONY: generate-check
generate-check: ## Fail if `make generate` changes, adds or removes a file.
	@mkdir -p $(CACHE)
	@$(checksums) >$(CACHE)/generated.before
	@$(MAKE) --no-print-directory generate
	@$(checksums) >$(CACHE)/generated.after
	$(say) "generate-check: compare"
	@git --no-pager diff --no-index --exit-code $(CACHE)/generated.before $(CACHE)/generated.after || \
		{ echo 'generated files are out of date: run make generate and commit the result' >&2; exit 1; }

# ---- Checks ------------------------------------------------------------------

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format all Go code.
	$(say) "fmt"
	@$(GOLANGCI_LINT) fmt ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Run every linter, the import rules included.
	$(say) "lint"
	@$(GOLANGCI_LINT) run --allow-parallel-runners ./...
	@cd tools/image && go vet ./...
	@cd tools/etcd && go vet ./...

# Tests under test/ drive programs that must be built first: `make render`.
.PHONY: unit
unit: ## Run the fast tests: nothing outside the test process.
	$(say) "unit"
	@go test $$(go list ./... | grep -v /test/)
	@cd tools/image && go test ./...

# simulation plays schedules of faults and changes against the rollout planner, with the flags $(1).
define simulation
@GOGC=400 go test -count=1 -timeout 6h -v -run 'TestSimulate|TestMutants|TestSavedByTheEnd' ./internal/rollout/sim $(1) >$(CACHE)/simulate.log || { cat $(CACHE)/simulate.log; exit 1; }
@sed -n '/so far/d; s/^    simulate_test.go:[0-9]*: /    /p' $(CACHE)/simulate.log
endef

.PHONY: simulate
simulate: ## Simulate a million steps of rollouts under faults; from one state in eight that is met, faults end early.
	$(say) "simulate: a million steps"
	@mkdir -p $(CACHE)
	$(call simulation,-sim.steps=1000000 -sim.schedules=2500 -sim.events=9 -sim.share=8)

.PHONY: soak
soak: soak-provider ## Run soak-provider, and simulate ten million steps of rollouts under faults, and ten thousand schedules whose faults end in every state.
	$(say) "soak: ten million steps"
	@mkdir -p $(CACHE)
	$(call simulation,-sim.steps=10000000 -sim.events=12)
	$(say) "soak: from every state of ten thousand schedules"
	$(call simulation,-sim.schedules=10000 -sim.events=12 -sim.share=1)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME each.
	$(say) "fuzz: every target for $(FUZZTIME)"
	@mkdir -p $(CACHE)/fuzz
	@grep -r --include='*_test.go' --exclude-dir=testdata '^func Fuzz' cmd fn internal apis 2>/dev/null | \
		sed 's|^\(.*\)/[^/]*:func \(Fuzz[A-Za-z0-9_]*\).*|\1 \2|' | sort | \
		xargs -P $(FUZZJOBS) -n 2 sh -c '\
			log=$(CACHE)/fuzz/$$1.log; \
			if go test -run "^$$1\$$" -fuzz "^$$1\$$" -fuzztime $(FUZZTIME) "./$$0" >"$$log" 2>&1; \
			then echo "    $$0 $$1: $$(sed -n "s/^fuzz: elapsed: .*\(execs: [0-9]*\).*/\1/p" "$$log" | tail -n 1)"; \
			else cat "$$log"; exit 255; fi'

.PHONY: render
render: build $(CORE) $(CLI) $(SCHEMAS) ## Render all examples with Crossplane's engine, then show the minimal cluster.
	$(say) "render: examples, with Crossplane $(CROSSPLANE_VERSION) and CLI $(CRANK_VERSION)"
	@go test -count=1 ./test/engine/... ./test/function/... ./test/render/...
	$(say) "render: examples/minimal"
	@$(BIN)/kubectl-multigres render examples/minimal/xr.yaml --until-ready -o tree

.PHONY: integration
integration: ## Test against a real etcd, Kubernetes control plane and Crossplane: components, provider and platform.
	@$(MAKE) --no-print-directory components
	@$(MAKE) --no-print-directory provider
	@$(MAKE) --no-print-directory platform

.PHONY: components
components: $(ETCD) $(CONTROL_PLANE) $(CLUSTER) ## Test our packages against a real etcd, and what the tests themselves start.
	$(say) "components: etcd $(notdir $(ETCD))"
	@go test -count=1 ./test/process/... ./test/history/... ./test/topo/... ./test/pooler/... ./test/shardrecord/...
	$(say) "components: Kubernetes $(KUBERNETES_VERSION)"
	@go test -count=1 ./test/controlplane/... ./test/kubelet/... ./test/crossplane/... ./test/platform/... ./test/load/... ./test/bed/...

# It is compiled anew whenever its sources changed, which Go knows best.
.PHONY: provider-fault
provider-fault:
	@go build -tags fault -o $(PROVIDER_FAULT_BIN) ./cmd/provider

.PHONY: provider
provider: $(ETCD) $(CONTROL_PLANE) provider-fault ## Test the provider's process: crashes, outages, stale caches, two replicas.
	$(say) "provider: scenarios"
	@cd test/provider && go test -count=1 -parallel 4 -timeout 20m

.PHONY: platform
platform: platform-packages platform-previous ## Test our packages on a real Crossplane, installed from a registry, on simulated nodes.
	$(say) "platform: scenarios, with Crossplane $(CROSSPLANE_VERSION)"
	@cd test/e2e && go test -count=1 -timeout 60m -parallel 8

.PHONY: soak-platform
soak-platform: platform-packages platform-previous ## The same in full: twenty clusters for twenty minutes at rest, fifty seeds of kills.
	$(say) "soak: platform"
	@cd test/e2e && E2E_SETTLING=5m E2E_REST=20m E2E_REST_CLUSTERS=20 E2E_KILLS=50 go test -count=1 -timeout 5h -parallel 5

.PHONY: controlplane-up
controlplane-up: platform-packages ## Start a control plane with Crossplane and our packages on simulated nodes, for people.
	$(say) "controlplane-up"
	@mkdir -p $(BIN) && go build -o $(BIN)/platform ./test/platform/cmd && $(BIN)/platform up

.PHONY: controlplane-down
controlplane-down: ## Stop what controlplane-up started; nothing stays.
	$(say) "controlplane-down"
	@go build -o $(BIN)/platform ./test/platform/cmd && $(BIN)/platform down

.PHONY: platform-packages
platform-packages: $(ETCD) $(CONTROL_PLANE) $(CORE) $(CLUSTER)
	$(say) "platform: packages"
	@$(MAKE) --no-print-directory xpkg REGISTRY=$(E2E_REGISTRY) VERSION=$(XPKG_VERSION) XPKG=$(XPKG_DIR) ARCHS=$(shell go env GOARCH) SIGN_KEY=

# The host is no address: the platform's proxy knows where it is.
E2E_REGISTRY := registry.localhost/multigres

# The version from which the upgrade is tested: these sources with other default images of Multigres, and a provider that
# looks more often, so that both programs are others. The files are replaced for the compiler only.
PREVIOUS := $(CACHE)/e2e-previous

.PHONY: platform-previous
platform-previous: $(XPKG_TOOL)
	$(say) "platform: packages of a previous version"
	@rm -rf $(PREVIOUS)/src && mkdir -p $(PREVIOUS)/src
	@sed 's|ghcr.io/multigres/multigres:v0.1.0|ghcr.io/multigres/multigres:v0.0.9|' internal/resolve/images.go >$(PREVIOUS)/src/images.go
	@sed 's|default:"1m" help:"How often to observe|default:"50s" help:"How often to observe|' cmd/provider/main.go >$(PREVIOUS)/src/main.go
	@printf '{"Replace":{"%s":"%s","%s":"%s"}}' $(CURDIR)/internal/resolve/images.go $(PREVIOUS)/src/images.go \
		$(CURDIR)/cmd/provider/main.go $(PREVIOUS)/src/main.go >$(PREVIOUS)/src/overlay.json
	@arch=$(shell go env GOARCH); mkdir -p $(PREVIOUS)/$$arch; for p in function provider; do \
		GOOS=linux go build -overlay=$(PREVIOUS)/src/overlay.json -ldflags='-s -w' -o $(PREVIOUS)/$$arch/$$p ./cmd/$$p || exit 1; done; \
	$(XPKG_TOOL) build --registry=$(E2E_REGISTRY) --version=$(XPKG_PREVIOUS_VERSION) --programs=$(PREVIOUS) --arch=$$arch --out=$(XPKG_PREVIOUS_DIR) >/dev/null

.PHONY: race
race: ## Run the unit tests of the provider's packages under the race detector. It needs a C compiler.
	$(say) "race"
	@CGO_ENABLED=1 go test -race ./cmd/provider/... ./internal/claims/... ./internal/controller/... ./internal/guard/... ./internal/mapper/... \
		./internal/pki/... ./internal/placement/... ./internal/requeue/... ./internal/supervise/... ./internal/topo/...

.PHONY: soak-provider
soak-provider: $(ETCD) $(CONTROL_PLANE) provider-fault race ## Run the long versions of the provider's tests: crashes by the hundred, outages by the minute.
	$(say) "soak: provider"
	@cd test/provider && SOAK=1 go test -count=1 -parallel 4 -timeout 2h

# The packages whose tests compare with files that -update writes.
goldens = $$(grep -rlE --include='*_test.go' --exclude-dir=testdata 'internal/composetest"|Bool\("update"' internal test | sed 's|^\(.*\)/[^/]*$$|./\1|' | sort -u)

.PHONY: golden
golden: build $(CORE) $(CLI) $(SCHEMAS) ## Write all expected outputs anew. Read the diff.
	$(say) "golden"
	@go test -count=1 $(goldens) -update

# The packages with benchmarks, so that others are not compiled.
benchmarks = $$(grep -rl --include='*_test.go' --exclude-dir=testdata '^func Benchmark' cmd fn internal test | sed 's|^\(.*\)/[^/]*$$|./\1|' | sort -u)

.PHONY: bench
bench: $(ETCD) $(CONTROL_PLANE) $(CORE) $(CLUSTER) provider-fault ## Run the benchmarks for BENCHTIME each.
	$(say) "bench: $(BENCHTIME) each"
	@go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(benchmarks)

.PHONY: bench-smoke
bench-smoke: $(ETCD) $(CONTROL_PLANE) $(CORE) $(CLUSTER) provider-fault ## Run every benchmark once, in small, to see that it works.
	$(say) "bench-smoke"
	@go test -short -run '^$$' -bench . -benchtime 1x $(benchmarks) >$(CACHE)/bench-smoke.log || { cat $(CACHE)/bench-smoke.log; exit 1; }

# ---- Packages ----------------------------------------------------------------

# program builds cmd/$(1) for Linux on $(2), where the packages are made from.
define program
@mkdir -p $(PROGRAMS)/$(2)
@GOOS=linux GOARCH=$(2) go build -ldflags='-s -w' -o $(PROGRAMS)/$(2)/$(1) ./cmd/$(1)

endef

.PHONY: xpkg
xpkg: $(XPKG_TOOL) ## Build the packages for ARCHS, and their install manifest, into .cache/xpkg; sign with SIGN_KEY.
	$(say) "xpkg: programs for $(ARCHS)"
	$(foreach arch,$(ARCHS),$(call program,function,$(arch)) $(call program,provider,$(arch)))
	$(say) "xpkg: $(REGISTRY), $(VERSION)"
	@$(XPKG_TOOL) build --registry=$(REGISTRY) --version=$(VERSION) --namespace=$(NAMESPACE) \
		--programs=$(PROGRAMS) $(addprefix --arch=,$(ARCHS)) --out=$(XPKG)
ifneq ($(SIGN_KEY),)
	@$(XPKG_TOOL) sign --dir=$(XPKG) --key=$(SIGN_KEY)
else
	@echo 'not signed: SIGN_KEY names no key'
endif

.PHONY: xpkg-check
xpkg-check: xpkg ## Build the packages twice, in two places (FRESH=1: and compile all anew); fail if one byte differs.
	$(say) "xpkg-check: build again, elsewhere"
	@set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	cp -R $(SHIPPED) "$$dir"; \
	for arch in $(ARCHS); do for p in function provider; do \
		(cd "$$dir" && $(if $(FRESH),GOCACHE="$$dir/cache") GOOS=linux GOARCH=$$arch go build -ldflags='-s -w' -o "$$dir/programs/$$arch/$$p" ./cmd/$$p); done; done; \
	$(XPKG_TOOL) build --source="$$dir" --registry=$(REGISTRY) --version=$(VERSION) --namespace=$(NAMESPACE) \
		--programs="$$dir/programs" $(addprefix --arch=,$(ARCHS)) --out="$$dir/xpkg" >/dev/null; \
	git --no-pager diff --no-index --exit-code $(XPKG)/SHA256SUMS "$$dir/xpkg/SHA256SUMS"
	@echo 'equal'

.PHONY: publish
publish: ## Build the packages for ARCHS and push them to REGISTRY as VERSION.
	@$(MAKE) --no-print-directory xpkg
	$(say) "publish: $(REGISTRY), $(VERSION)"
	@$(XPKG_TOOL) push --registry=$(REGISTRY) --version=$(VERSION) --dir=$(XPKG)

# ---- A real Kubernetes -------------------------------------------------------

# Which bed; several can be up at a time.
BED ?= bed

bed = $(BIN)/bed --name=$(BED) --cache=$(CACHE)

$(IMAGES)/host: test/bed/debian/host.sh
	$(say) "bed: Debian packages for the machine"
	@mkdir -p $(IMAGES) && test/bed/debian/host.sh $@

$(IMAGES)/debian.layer: test/bed/debian/tree.sh | $(IMAGES)/host
	$(say) "bed: Debian packages for the data plane"
	@HOST=$(IMAGES)/host test/bed/debian/tree.sh $@

$(IMAGES)/made: test/bed/images.yaml $(IMAGES)/debian.layer $(IMAGE_TOOLS) $(COREDNS) $(LOCAL_PATH) $(MULTIGRES) $(ETCD) $(CORE)
	$(say) "bed: images"
	@src="$(module)" && BIN=$(BIN) IMAGES=$(IMAGES) CROSSPLANE_VERSION=$(CROSSPLANE_VERSION) CROSSPLANE_SOURCE="$$src" \
		$(BIN)/image --list=test/bed/images.yaml --out=$(IMAGES)
	@touch $@

.PHONY: bed-build
bed-build: $(IMAGES)/made $(CONTROL_PLANE) $(NODE) $(KUBECTL) $(CONTAINERD) $(RUNC) $(CNI)
	@go build -o $(BIN)/ ./test/bed/cmd/bed

.PHONY: bed-up
bed-up: bed-build ## Start a real Kubernetes of three zones on this machine (needs root); BED names it.
	$(say) "bed: start $(BED)"
	@$(bed) up

# Crossplane as its chart installs it, but twice, so that it outlives a zone, and without limits of CPU time.
$(IMAGES)/crossplane.yaml: $(HELM)
	@src="$(module)" && $(HELM) template crossplane "$$src/cluster/charts/crossplane" --namespace=crossplane-system \
		--set=image.tag=$(CROSSPLANE_VERSION) --set=replicas=2 --set=resourcesCrossplane.limits.cpu=null --set=resourcesRBACManager.limits.cpu=null >$@.tmp
	@mv $@.tmp $@

# The bed's own registry, as its nodes and Crossplane see it.
BED_REGISTRY := 10.209.0.1:5000/crossplane-multigres

.PHONY: bed-packages
bed-packages: $(IMAGES)/crossplane.yaml
	@$(MAKE) --no-print-directory xpkg REGISTRY=$(BED_REGISTRY) XPKG=$(CACHE)/xpkg-bed ARCHS=$(shell go env GOARCH) SIGN_KEY= >/dev/null

.PHONY: bed-install
bed-install: bed-packages ## Install Crossplane and our packages in the bed, in pods.
	$(say) "bed: install"
	@$(bed) install --crossplane=$(IMAGES)/crossplane.yaml --packages=$(CACHE)/xpkg-bed --registry=$(BED_REGISTRY) --version=$(VERSION)

# Your own Kubernetes, with Crossplane and our packages in it, instead of a bed.
DEMO_CONTEXT ?=

.PHONY: demo
demo: ## From nothing to rows in a sharded PostgreSQL on three zones: bed, packages, a cluster, psql (needs root).
ifeq ($(DEMO_CONTEXT),)
	@$(MAKE) --no-print-directory bed-up
	@$(MAKE) --no-print-directory bed-install
endif
	$(say) "demo"
	@mkdir -p $(BIN) && go build -o $(BIN)/ ./test/bed/cmd/bed
	@$(bed) demo $(DEMO_FLAGS) $(if $(DEMO_CONTEXT),--context=$(DEMO_CONTEXT))

.PHONY: demo-claim
demo-claim: ## The same with a claim.
	@$(MAKE) --no-print-directory demo DEMO_FLAGS=--claim

.PHONY: bed-down
bed-down: ## End what bed-up has started, and remove all of it but what was built.
	@go build -o $(BIN)/ ./test/bed/cmd/bed
	@$(bed) down

# ---- Reliability -------------------------------------------------------------

# Which scenarios run, and whether the bed stays for the next run.
RUN  ?= .
KEEP ?=

# Their bed. Two runs on one machine at a time need two names.
E2E_BED ?= e2e

# The bounded part: a cluster comes up, its leader dies, it is changed, it is deleted and made again.
SHORT := ^(TestBootstrap|TestLeaderKilled|TestRollingUpdate|TestRetain)$$

# scenarios runs those that $(1) names in a bed of their own, which goes away whatever becomes of them. Where no bed can run nothing is
# built for one, and the tests say how many of them were skipped.
define scenarios
@go build -o $(BIN)/ ./test/bed/cmd/bed
@if $(BIN)/bed check; then $(MAKE) --no-print-directory bed-build bed-packages; fi
@trap '$(if $(KEEP),:,$(BIN)/bed --name=$(E2E_BED) --cache=$(CACHE) down)' EXIT; trap 'exit 130' INT TERM; \
	cd test/reliability && BED_BIN=$(BIN)/bed BED_NAME=$(E2E_BED) BED_CACHE=$(CACHE) BED_CROSSPLANE=$(IMAGES)/crossplane.yaml \
	BED_PACKAGES=$(CACHE)/xpkg-bed BED_REGISTRY=$(BED_REGISTRY) BED_VERSION=$(VERSION) BED_KEEP=$(KEEP) go test -count=1 -timeout 3h -run '$(1)'
endef

.PHONY: e2e-short
e2e-short: ## Run the bounded part of the scenarios on real kubelets (needs root): bootstrap, leader killed, rolling update, Retain.
	$(say) "reliability: bounded part"
	$(call scenarios,$(SHORT))

.PHONY: e2e
e2e: ## Run all scenarios on real kubelets (needs root), or those that RUN names; KEEP=1 leaves the bed up.
	$(say) "reliability: $(RUN)"
	$(call scenarios,$(RUN))

# ---- All together ------------------------------------------------------------

# What fails soonest comes first. What runs on kubelets runs alone: elections and probes go by the clock, and beside all else a bed got so
# little of the machine that a leader was lost over and over. The rest is in two lanes, and each does one thing after the other: programs
# that talk to each other wait for most of the time, and what only computes fills the gaps, with a lower priority. What both need is built before.
.PHONY: test
test: ## Run all tests, as CI does.
	@$(MAKE) --no-print-directory generate-check
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory xpkg-check
	@$(MAKE) --no-print-directory e2e-short
	@$(MAKE) --no-print-directory tools build provider-fault
	@$(MAKE) --no-print-directory -j 2 lane-programs lane-computing
	$(say) "test: all passed"

.PHONY: lane-programs
lane-programs:
	@$(MAKE) --no-print-directory -j 1 integration

.PHONY: lane-computing
lane-computing:
	@nice -n 10 $(MAKE) --no-print-directory -j 1 lint
	@nice -n 10 $(MAKE) --no-print-directory -j 1 simulate
	@nice -n 10 $(MAKE) --no-print-directory -j 1 fuzz
	@nice -n 10 $(MAKE) --no-print-directory -j 1 render
	@nice -n 10 $(MAKE) --no-print-directory -j 1 bench-smoke

.PHONY: reviewable
reviewable: ## Prepare a change for review: generate, format, lint, unit tests.
	@$(MAKE) --no-print-directory generate
	@$(MAKE) --no-print-directory fmt
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory unit

.PHONY: clean
clean: ## Remove everything that was built.
	@rm -rf $(CACHE)
