#!/bin/sh
# Starts FerretDB by the official mongo image's conventions:
# MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD (or …_FILE) name the
# user who may do everything. Flags of mongod mean nothing here and are left out.
set -eu

case "${1:-mongod}" in
mongod | -*) ;;
*) exec "$@" ;;
esac

if [ -n "${MONGO_INITDB_ROOT_PASSWORD_FILE:-}" ]; then
	MONGO_INITDB_ROOT_PASSWORD=$(cat "$MONGO_INITDB_ROOT_PASSWORD_FILE")
fi
if [ -z "${MONGO_INITDB_ROOT_USERNAME:-}" ] || [ -z "${MONGO_INITDB_ROOT_PASSWORD:-}" ]; then
	echo "mongo entrypoint: MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD_FILE must be set, and the file not empty" >&2
	exit 1
fi
export FERRETDB_SETUP_PASSWORD="$MONGO_INITDB_ROOT_PASSWORD"
unset MONGO_INITDB_ROOT_PASSWORD

exec ferretdb --handler=sqlite --sqlite-url=file:/data/db/ --state-dir=/data/db \
	--listen-addr=:27017 --debug-addr=- --telemetry=disable --log-level=WARN \
	--test-enable-new-auth --setup-database=admin --setup-username="$MONGO_INITDB_ROOT_USERNAME"
