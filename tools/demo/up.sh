#!/usr/bin/env bash
# Starts a whole portal on this machine: Docker if there is none, the demo
# images, the provider, then `terraform apply` of examples/demo. It can be
# repeated: what is there is kept.
#
#   HTTP_PORT            the port to publish (8080)
#   PORTAL_STORAGE_PATH  the drive's directory (/srv/portals)
set -euo pipefail
# shellcheck source=tools/demo/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly storage=${PORTAL_STORAGE_PATH:-/srv/portals} port=${HTTP_PORT:-8080}

# page URL prints a page of the portal. Its hostname need not be known to this
# machine's resolver.
page() {
	curl -fsS --max-time 20 --resolve "$domain:$port:127.0.0.1" \
		--resolve "$studio:$port:127.0.0.1" "$1"
}

# all_reached tells whether the page of the lms shows each service as reached.
all_reached() {
	local html
	html=$(page "$url/") && [[ $html == *'data-state="ok"'* && $html != *'data-state="down"'* ]]
}

need go terraform curl make
"$root/tools/docker/ensure.sh"

say "Demo images"
images=$("$root/tools/images/build")
printf '{"storage_path": "%s", "http_port": %d, "images": %s}\n' "$storage" "$port" "$images" >"$variables"

say "Provider"
provider

say "terraform apply"
mkdir -p "$storage" 2>/dev/null ||
	fail "$storage cannot be made by $(id -un): run as root, or set PORTAL_STORAGE_PATH to a directory of yours"
# Its outputs are shown below, as a table.
terraform -chdir="$demo" apply "${change[@]}" | sed '/^\(\x1b\[[0-9;]*m\)*Outputs:/,$d'

url=$(terraform -chdir="$demo" output -raw url)
studio_url=$(terraform -chdir="$demo" output -raw studio_url)
domain=${url#*://} domain=${domain%:*}
studio=${studio_url#*://} studio=${studio%:*}

deadline=$((SECONDS + 60))
until all_reached; do
	if ((SECONDS > deadline)); then
		page "$url/" | grep -oE 'data-service="[^"]*" data-state="[^"]*"' >&2 || true
		fail "the page at $url does not show every service as reached; see: docker logs acme-lms-1"
	fi
	sleep 1
done
page "$studio_url/" >/dev/null || fail "the studio at $studio_url does not answer; see: docker logs acme-cms-1"

say "The portal's stack"
terraform -chdir="$demo" output -raw stack
say "The portal answers, and reaches each of its services"
cat <<-EOF
	  lms     $url
	  studio  $studio_url
	  without a resolver for *.localhost: curl -H 'Host: $domain' http://127.0.0.1:$port/
EOF
say "Three things to try"
cat <<-EOF
	  1. Break it, see it, mend it:
	       docker rm -f acme-lms-1
	       terraform -chdir=examples/demo plan
	       terraform -chdir=examples/demo apply
	  2. Three containers for the lms, behind the same address:
	       terraform -chdir=examples/demo apply -var lms_replicas=3
	  3. Run a task, then sign in to the studio and publish a course:
	       docker start -a acme-create-superuser
	       cat $storage/acme/secrets/admin-password

	make demo-down takes it down and keeps its data; make demo-down PURGE=1 removes the data too.
EOF
