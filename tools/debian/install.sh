# Sourced by scripts that make sure of a program for tests. Shows what it does
# under the name that the script gives in $subject.

fail() {
	echo "$subject: $*" >&2
	exit 1
}

# install_packages installs Debian packages, as root, without letting them start
# a service. There is tells whether that is needed; why says what for, if it
# cannot be done: install_packages THERE WHY PACKAGE...
install_packages() {
	local there=$1 why=$2 policy=/usr/sbin/policy-rc.d
	shift 2
	if $there; then return; fi
	command -v apt-get >/dev/null || fail "$why"
	[[ $(id -u) == 0 ]] || fail "$why: apt-get install $*, or run this as root"

	# One at a time: targets of make may run side by side.
	exec 9>/run/portal-install.lock
	flock 9
	if $there; then return; fi
	# Whether services may be started is asked of this file (Debian's policy).
	if [[ ! -e $policy ]]; then
		trap 'rm -f '"$policy" EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod +x "$policy"
	fi
	echo "$subject: installing $*" >&2
	export DEBIAN_FRONTEND=noninteractive
	apt-get -o DPkg::Lock::Timeout=300 update -qq
	apt-get -o DPkg::Lock::Timeout=300 install -qqy --no-install-recommends "$@" >&2 </dev/null
	$there || fail "$* was installed, and it is not all there"
}
