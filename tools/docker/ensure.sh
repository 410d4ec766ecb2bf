#!/usr/bin/env bash
# Makes sure that a Docker Engine answers. When none does, the address is this
# machine's own and the user is root, it starts one, after installing Debian's
# package if there is none. Otherwise it says what is needed and exits with 1.
set -euo pipefail

readonly log=/var/log/portal-dockerd.log patience=90 # seconds

say() { echo "docker: $*" >&2; }

fail() {
	say "$*"
	exit 1
}

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# local_engine tells whether the docker command talks to this machine's socket.
local_engine() {
	local endpoint=${DOCKER_HOST:-}
	[[ -n $endpoint ]] || endpoint=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || true)
	[[ -z $endpoint || $endpoint == unix:///var/run/docker.sock || $endpoint == unix:///run/docker.sock ]]
}

install_engine() {
	command -v apt-get >/dev/null ||
		fail "no Docker Engine is installed: see https://docs.docker.com/engine/install/"
	say "installing docker.io"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -o DPkg::Lock::Timeout=300 update -qq
	local packages=(docker.io)
	# Newer releases have the command in a package of its own.
	if apt-cache show docker-cli >/dev/null 2>&1; then packages+=(docker-cli); fi
	apt-get -o DPkg::Lock::Timeout=300 install -qqy "${packages[@]}" >&2 </dev/null
}

# engine_pid prints the process id that dockerd keeps in its file, if it lives.
engine_pid() {
	local pid
	pid=$(cat /run/docker.pid 2>/dev/null) && kill -0 "$pid" 2>/dev/null && echo "$pid"
}

start_engine() {
	local pid
	if pid=$(engine_pid); then
		say "dockerd runs, waiting for it"
	elif [[ -d /run/systemd/system ]]; then
		systemctl start docker
		pid=$(engine_pid) || pid=$$
	else
		say "starting dockerd, its log is $log"
		setsid dockerd >>"$log" 2>&1 </dev/null 9>&- &
		pid=$!
	fi
	local deadline=$((SECONDS + patience))
	until answers; do
		if ((SECONDS > deadline)) || ! kill -0 "$pid" 2>/dev/null; then
			[[ ! -f $log ]] || tail -n 15 "$log" >&2
			fail "dockerd did not come up; the end of its log is above, or in the system's journal"
		fi
		sleep 0.2
	done
}

if command -v docker >/dev/null && answers; then exit 0; fi
if ! local_engine; then
	fail "no Docker Engine answers at ${DOCKER_HOST:-the address of the current docker context}: start it, or unset DOCKER_HOST to use this machine's own"
fi
if [[ $(id -u) != 0 ]]; then
	fail "no Docker Engine answers to $(id -un): start Docker, or add yourself to the group docker and log in again, or run this as root"
fi

# One at a time: targets of make may run side by side.
exec 9>/run/portal-docker.lock
flock 9
if command -v docker >/dev/null && answers; then exit 0; fi
if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then install_engine; fi
start_engine
say "Docker Engine $(docker version --format '{{.Server.Version}}') answers"
