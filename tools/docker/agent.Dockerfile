# The published image of the agent: the provider's static binary and nothing
# else. Hosts need it only where the provider cannot send its own binary, which
# is when it runs on another operating system or architecture than they do.
FROM scratch
ARG TARGETPLATFORM
WORKDIR /tmp
WORKDIR /storage
WORKDIR /
COPY ${TARGETPLATFORM}/terraform-provider-portal_v* /terraform-provider-portal
ENTRYPOINT ["/terraform-provider-portal"]
