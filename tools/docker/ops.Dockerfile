# The published image of the tasks "backup" and "restore": restic and the
# clients of the two databases, MongoDB's own built from Go modules. The build
# context is tools/images/ops.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS mongo-tools
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN for tool in mongodump mongorestore; do \
      CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags '-s -w' \
        -o /out/$tool github.com/mongodb/mongo-tools/$tool/main || exit 1; \
    done

FROM debian:bookworm-slim
RUN groupadd -g 1000 portal \
 && useradd -u 1000 -g portal -d /tmp -M -s /bin/bash portal \
 && apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends ca-certificates mariadb-client restic \
 && rm -rf /var/lib/apt/lists/*
COPY --from=mongo-tools /out/ /usr/local/bin/
USER portal
CMD ["bash"]
