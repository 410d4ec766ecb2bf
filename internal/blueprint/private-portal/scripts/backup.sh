#!/usr/bin/env bash
# Saves the portal to its restic repository: MySQL, MongoDB, uploads and
# overrides. Any step that fails fails the run, and no snapshot is made.
set -Eeuo pipefail
trap 'echo "backup: failed at line $LINENO" >&2' ERR

work=$(mktemp -d /portal/backups/.work.XXXXXXXX)
trap 'rm -rf -- "$work"' EXIT
# A run that was killed leaves its folder behind.
find /portal/backups -maxdepth 1 -name '.work.*' -mmin +1440 -exec rm -rf -- {} +

# A repository on the drive is made when it is not there. Elsewhere "not there"
# and "cannot be reached" look alike, so making one is left to a person.
if [[ "$RESTIC_REPOSITORY" == /* && ! -e "$RESTIC_REPOSITORY/config" ]]; then
    restic init
elif [[ "$RESTIC_REPOSITORY" != /* ]] && ! restic cat config >/dev/null; then
    echo "backup: the repository $RESTIC_REPOSITORY cannot be read; make it once with 'restic init'" >&2
    exit 1
fi
restic unlock

echo "backup: dumping MySQL"
mysqldump --defaults-extra-file=/portal/secrets/mysql.cnf \
    --single-transaction --quick --routines --triggers --events --hex-blob \
    --default-character-set=utf8mb4 --add-drop-database --databases edxapp >"$work/mysql.sql"
# The last line says that the dump is whole.
tail -n 1 "$work/mysql.sql" | grep -q -- '-- Dump completed'

echo "backup: dumping MongoDB"
mongodump --config=/portal/secrets/mongo.yml --host=mongo --username=edxapp \
    --authenticationDatabase=admin --db=edxapp --quiet --out="$work/mongo"

echo "backup: saving files"
mkdir "$work/portal"
cp -a -- /portal/overrides/. "$work/portal/"

# The dumps are under the same path each time, so that restic finds what it has.
rm -rf -- /portal/backups/staging
mv -- "$work" /portal/backups/staging
trap 'rm -rf -- /portal/backups/staging' EXIT
restic backup --host "$PORTAL_NAME" --tag portal /portal/backups/staging /edx/var/media

restic forget --host "$PORTAL_NAME" --tag portal --group-by host,tags --prune \
    --keep-daily "$BACKUP_KEEP_DAILY" --keep-weekly "$BACKUP_KEEP_WEEKLY" --keep-monthly "$BACKUP_KEEP_MONTHLY"
restic check
echo "backup: done"
