#!/usr/bin/env bash
# Makes sure that sshd and ssh-keygen are there, for tests that start an sshd of
# their own. On Debian, as root, it installs the package, without letting it
# start a service. Otherwise it says what is needed and exits with 1.
set -euo pipefail

fail() {
	echo "sshd: $*" >&2
	exit 1
}

there() { [[ -x /usr/sbin/sshd ]] && command -v ssh-keygen >/dev/null; }

if there; then exit 0; fi
command -v apt-get >/dev/null || fail "no sshd is installed: tests of hosts over ssh need OpenSSH's server"
[[ $(id -u) == 0 ]] || fail "no sshd is installed: apt-get install openssh-server, or run this as root"

# One at a time: targets of make may run side by side.
exec 9>/run/portal-sshd.lock
flock 9
if there; then exit 0; fi
# Whether services may be started is asked of this file (Debian's policy).
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
fi
echo "sshd: installing openssh-server" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update -qq
apt-get -o DPkg::Lock::Timeout=300 install -qqy --no-install-recommends openssh-server >&2 </dev/null
there || fail "openssh-server was installed, and there is no /usr/sbin/sshd"
