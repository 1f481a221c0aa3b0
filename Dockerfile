# One build stage, one target per program:
#
#   docker build --target function -t function-multigres .
#
# `make xpkg` makes the same image without a container engine.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS=linux
ARG TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ENV CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build -ldflags="-s -w" -o /out/ ./cmd/function ./cmd/provider

FROM scratch AS function
COPY --from=build /out/function /usr/local/bin/function
# A number, so that Kubernetes can verify runAsNonRoot.
USER 65532:65532
EXPOSE 9443 8080
ENTRYPOINT ["/usr/local/bin/function"]

FROM scratch AS provider
COPY --from=build /out/provider /usr/local/bin/provider
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["/usr/local/bin/provider"]
