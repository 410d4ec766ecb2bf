#!/usr/bin/env bash
# Makes sure of what a pool of Docker hosts on this machine needs beside Docker
# and sshd. On Debian, as root, it installs the packages, without letting them
# start a service. Otherwise it says what is needed and exits with 1.
set -euo pipefail
subject=lab
# shellcheck source=tools/debian/install.sh
source "$(dirname "${BASH_SOURCE[0]}")/../debian/install.sh"

there() {
	local program
	for program in docker-registry dnsmasq ip bridge tc iptables nsenter unshare mkfs.ext4 busybox; do
		command -v "$program" >/dev/null || return 1
	done
}

[[ $(uname) == Linux && $(id -u) == 0 ]] ||
	fail "a pool of hosts on one machine needs Linux and root: it makes network namespaces and starts Docker Engines"
install_packages there "a pool of hosts on one machine needs docker-registry, dnsmasq-base, iproute2, iptables, e2fsprogs and a static busybox" \
	docker-registry dnsmasq-base iproute2 iptables util-linux e2fsprogs busybox-static
