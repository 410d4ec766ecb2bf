#!/bin/sh
# Like the official image: a command that starts with a flag is memcached's.
set -eu
case "${1:-}" in
-*) set -- memcached "$@" ;;
esac
exec "$@"
