#!/usr/bin/env bash
# Puts a snapshot back: into the portal that it is of, or into another one.
#
#   RESTORE_SNAPSHOT  a snapshot's id or its beginning; "latest" is the newest
#   RESTORE_PORTAL    the portal that the snapshot is of; this one without it
#   RESTORE_INCLUDE   parts to put back; all that are in the snapshot without it,
#                     but for the overrides of another portal
#   RESTORE_FORCE     "1" to go on while others write
#
# First everything is read, compared with the manifest and loaded beside the data
# of now, which nothing touches meanwhile. Then it switches, which is short and
# is undone if it fails. A switch that was killed is undone by the next run.
#
# The last line of standard output is the result, one JSON object.
task=restore
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=lib.sh
source "$here/lib.sh"
# shellcheck source=mysql.sh
source "$here/mysql.sh"
# shellcheck source=mongo.sh
source "$here/mongo.sh"
# shellcheck source=files.sh
source "$here/files.sh"

readonly source_portal=${RESTORE_PORTAL:-$PORTAL_NAME} snapshot=$restoring/snapshot

clean_up() {
    [[ -n ${working:-} ]] || return 0
    if [[ -e $switching ]]; then
        say "switching back to the data of before"
        # By a run of its own, as in here a command that fails ends nothing.
        if ! bash "$here/restore.sh" switch-back </dev/null >"$scratch/switch-back" {lock}>&-; then
            say "this failed too: the portal is between two states. Mend the cause and run the task restore again, before any of its services"
            return
        fi
    fi
    bash "$here/restore.sh" clean </dev/null >/dev/null {lock}>&- || say "the next restore will remove what this one has left"
}

restore() {
    local included part
    one_at_a_time
    use_repository
    open_repository refuse
    refuse_writers
    if [[ -e $switching ]]; then
        say "an earlier restore was cut off while it switched: switching back first"
        switch_back
    fi
    find_snapshot
    clean
    working=yes
    read_snapshot
    included=$(choose_parts)
    for part in $included; do
        say "loading $part"
        "${part}_prepare"
    done
    refuse_writers
    echo "$included" >"$switching.part"
    mv -- "$switching.part" "$switching"
    for part in $included; do
        say "switching $part"
        "${part}_switch"
    done
    # From here on it is the portal's data.
    rm -- "$switching"
    say "done: $included of snapshot ${snapshot_id:0:8} of portal $source_portal"
    jq -c --arg parts "$included" --argjson seconds "$SECONDS" \
        '{ok: true, snapshot: .id, taken: .time, portal, parts: ($parts | split(" ")), bytes, files, duration_s: $seconds}' "$scratch/snapshot"
}

# refuse_writers ends the run if services that write are up: what they write
# would be lost, and what they hold in memory would not fit.
refuse_writers() {
    local up users
    [[ ${RESTORE_FORCE:-} != 1 ]] || return 0
    mapfile -t up < <(writers_up | sort)
    ((${#up[@]} == 0)) || fail "these services run and must not meanwhile: ${up[*]}. Stop them first, or set RESTORE_FORCE=1"
    users=$(mysql_query "SELECT DISTINCT CONCAT(user, ' from ', host) FROM information_schema.processlist
        WHERE id <> CONNECTION_ID() AND user NOT IN ('event_scheduler', 'system user', 'unauthenticated user')")
    [[ -z $users ]] || fail "MySQL is in use: ${users//$'\n'/, }. Stop what uses it first, or set RESTORE_FORCE=1"
}

# writers_up prints the services that write and run: Docker knows their names. The dot
# keeps the host's own search domains out of it. All are asked for at once, as each
# takes a time-out where Docker has no resolver to ask for what it does not know.
writers_up() {
    local name
    for name in ${RESTORE_WRITERS:-}; do
        { ! getent ahostsv4 "$name." >/dev/null || echo "$name"; } &
    done
    wait
}

# find_snapshot finds the one that is wanted, and sets snapshot_id.
find_snapshot() {
    local found number
    snapshots "$source_portal" >"$scratch/found"
    found=$(jq -c --arg id "${RESTORE_SNAPSHOT:-latest}" 'if $id == "latest" then .[-1:] else map(select(.id | startswith($id))) end' "$scratch/found")
    number=$(jq length <<<"$found")
    case $number in
    1) ;;
    0) fail "there is no snapshot \"${RESTORE_SNAPSHOT:-latest}\" of portal $source_portal in $RESTIC_REPOSITORY" ;;
    *) fail "$number snapshots of portal $source_portal begin with \"$RESTORE_SNAPSHOT\": write more of its id" ;;
    esac
    jq '.[0]' <<<"$found" >"$scratch/snapshot"
    snapshot_id=$(jq -r .id "$scratch/snapshot")
}

# read_snapshot reads the dumps and compares them with the manifest. The uploads
# are compared by restic while it reads them.
read_snapshot() {
    local format
    say "reading snapshot ${snapshot_id:0:8} of portal $source_portal"
    mkdir -m 0700 "$restoring"
    run "reading the snapshot" "${restic[@]}" restore --quiet --target "$snapshot" "$snapshot_id:$staging" >&2
    format=$(jq -e .format "$snapshot/MANIFEST.json") || fail "snapshot $snapshot_id has no manifest: it was not made by the task backup"
    ((format == 1)) || fail "snapshot $snapshot_id was made by a newer blueprint (format $format): update this portal first"
    [[ $(checksums "$snapshot" | jq -S .) == $(jq -S .files "$snapshot/MANIFEST.json") ]] ||
        fail "snapshot $snapshot_id does not hold what its manifest says: nothing was touched; take another one"
}

# choose_parts prints the parts to put back.
choose_parts() {
    local part within chosen
    within=$(jq -r '.parts | keys | join(" ")' "$snapshot/MANIFEST.json")
    if [[ -n ${RESTORE_INCLUDE:-} ]]; then
        chosen=$(parts "$RESTORE_INCLUDE")
    elif [[ $source_portal != "$PORTAL_NAME" ]]; then
        # They name its domain, its mail server, its accounts elsewhere.
        chosen=$(parts "${within/overrides/}")
        say "the overrides of portal $source_portal are left out"
    else
        chosen=$(parts "$within")
    fi
    for part in $chosen; do
        [[ " $within " == *" $part "* ]] || fail "snapshot $snapshot_id has no $part; it has $within"
    done
    echo "$chosen"
}

# switch_back undoes a switch that has not ended.
switch_back() {
    local part
    for part in $(<"$switching"); do
        "${part}_switch_back"
    done
    rm -- "$switching"
}

# clean removes what a restore works with.
clean() {
    local part
    media_clean
    overrides_clean
    for part in mysql mongo; do
        [[ ! -e $restoring/$part.json ]] || "${part}_clean"
    done
    rm -rf -- "$restoring"
}

case "${1:-restore}" in
restore | switch-back | clean) "$(tr - _ <<<"${1:-restore}")" ;;
*) fail "there is no command \"$1\"" ;;
esac
