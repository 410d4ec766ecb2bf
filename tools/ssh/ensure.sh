#!/usr/bin/env bash
# Makes sure that sshd is there, for tests that start an sshd of their own. On
# Debian, as root, it installs the package, without letting it start a service.
# Otherwise it says what is needed and exits with 1.
set -euo pipefail
subject=sshd
# shellcheck source=tools/debian/install.sh
source "$(dirname "${BASH_SOURCE[0]}")/../debian/install.sh"

there() { [[ -x /usr/sbin/sshd ]]; }

install_packages there "no sshd is installed: tests of hosts over ssh need OpenSSH's server" openssh-server
