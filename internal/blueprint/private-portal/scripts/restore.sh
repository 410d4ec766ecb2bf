#!/usr/bin/env bash
# Puts a snapshot of the portal back: MySQL, MongoDB, uploads and overrides.
# RESTORE_SNAPSHOT is a snapshot's id; the newest one of this portal is taken
# without it. Any step that fails fails the run; it can be run again.
set -Eeuo pipefail
trap 'echo "restore: failed at line $LINENO" >&2' ERR

work=$(mktemp -d /portal/backups/.restore.XXXXXXXX)
trap 'rm -rf -- "$work"' EXIT

echo "restore: reading snapshot $RESTORE_SNAPSHOT"
restic restore "$RESTORE_SNAPSHOT" --host "$PORTAL_NAME" --tag portal --target "$work"
dump=$work/portal/backups/staging
media=$work/edx/var/media
# Nothing is replaced unless the snapshot is whole.
for part in "$dump/mysql.sql" "$dump/mongo" "$dump/portal" "$media"; do
    if [[ ! -e $part ]]; then
        echo "restore: the snapshot lacks ${part#"$work"}" >&2
        exit 1
    fi
done

echo "restore: loading MySQL"
mysql --defaults-extra-file=/portal/secrets/mysql.cnf --default-character-set=utf8mb4 <"$dump/mysql.sql"

echo "restore: loading MongoDB"
mongorestore --config=/portal/secrets/mongo.yml --host=mongo --username=edxapp \
    --authenticationDatabase=admin --drop --quiet "$dump/mongo"

echo "restore: putting files back"
find /edx/var/media -mindepth 1 -delete
cp -a -- "$media/." /edx/var/media/
for file in "$dump"/portal/* "$dump"/portal/.[!.]*; do
    [[ -e $file ]] || continue
    name=$(basename -- "$file")
    cp -a -- "$file" "/portal/overrides/.$name.restored"
    mv -fT -- "/portal/overrides/.$name.restored" "/portal/overrides/$name"
done
echo "restore: done; restart the services that read the overrides"
