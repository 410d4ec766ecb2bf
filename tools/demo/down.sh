#!/usr/bin/env bash
# Takes the demo down. Its data stays on the drive, and the next `make demo`
# finds it again, unless PURGE=1 is set.
set -euo pipefail
# shellcheck source=tools/demo/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need go terraform make
if [[ ! -f $variables ]]; then
	echo "There is no demo here: $variables is missing."
	exit 0
fi
storage=$(sed -n 's/.*"storage_path": "\([^"]*\)".*/\1/p' "$variables")

if [[ -f $demo/terraform.tfstate ]]; then
	"$root/tools/docker/ensure.sh"
	[[ -d $demo/.terraform ]] || provider
	terraform -chdir="$demo" destroy "${change[@]}"
fi

if [[ ${PURGE:-} == 1 ]]; then
	rm -rf -- "${storage:?}/acme"
	rm -rf -- "$demo"/{.terraform,.terraform.lock.hcl,terraform.tfstate,terraform.tfstate.backup} "$variables"
	echo "The demo and its data are gone; the demo images stay for the next time."
else
	echo "The demo is down; its data is in $storage/acme."
fi
