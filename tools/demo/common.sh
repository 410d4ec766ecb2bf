# What up.sh and down.sh share; sourced by both.
# shellcheck shell=bash disable=SC2034 # used by who sources it

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root demo=$root/examples/demo

# The demo's variables, in a file, so that plain `terraform plan` in the demo's
# directory sees them too.
readonly variables=$demo/demo.auto.tfvars.json
# Terraform finds the provider that was built here, and asks no registry.
export TF_CLI_CONFIG_FILE=$root/bin/demo.tfrc
export TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1

bold="" plain=""
if [[ -t 2 ]]; then bold=$'\e[1m' plain=$'\e[0m'; fi
# Arguments of every terraform command that changes something.
change=(-auto-approve -input=false -compact-warnings)
[[ -t 1 ]] || change+=(-no-color)

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain" >&2; }

fail() {
	echo "demo: $*" >&2
	exit 1
}

need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || fail "$program is missing; CONTRIBUTING.md lists what this project needs"
	done
}

# provider builds the provider and puts it where `terraform init` of the demo
# finds it: a mirror on disk, so that no registry is asked.
provider() {
	local os arch version=0.1.0 mirror=$root/bin/mirror directory
	os=$(go env GOOS) arch=$(go env GOARCH)
	directory=$mirror/registry.terraform.io/privateportals/portal/$version/${os}_$arch
	make -s -C "$root" build
	mkdir -p "$directory"
	install "$root/bin/terraform-provider-portal" "$directory/terraform-provider-portal_v$version"
	cat >"$TF_CLI_CONFIG_FILE" <<-EOF
		provider_installation {
		  filesystem_mirror {
		    path = "$mirror"
		  }
		}
	EOF
	# The binary is another one after each change, under the same version.
	rm -f "$demo/.terraform.lock.hcl"
	terraform -chdir="$demo" init -input=false -no-color >/dev/null
}
