#!/usr/bin/env bash
# Saves the portal to its restic repository.
#
#   backup.sh                one snapshot: dumps of MySQL and of the document
#                            store, uploads, overrides; then the retention
#   backup.sh verify         checks the repository, and reads a part of its data
#   backup.sh list [PORTAL]  the snapshots of the portal, or of another one
#
# The last line of standard output is the result, one JSON object; all else goes
# to standard error. A step that fails fails the run. A snapshot counts from the
# moment that it bears the tag portal=<name>, which it gets when all is in it.
task=backup
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=lib.sh
source "$here/lib.sh"
# shellcheck source=mysql.sh
source "$here/mysql.sh"
# shellcheck source=mongo.sh
source "$here/mongo.sh"
# shellcheck source=files.sh
source "$here/files.sh"

clean_up() { [[ -z ${saving:-} ]] || rm -rf -- "$staging"; }

save() {
    local included part id
    included=$(parts "${BACKUP_INCLUDE:-$all_parts}")
    one_at_a_time
    [[ ! -e $switching ]] || fail "a restore was cut off while it put data back, so they are not whole: run the task restore again"
    use_repository
    open_repository create
    saving=yes
    rm -rf -- "$staging"
    mkdir -m 0700 "$staging"
    for part in $included; do
        say "saving $part"
        "${part}_save"
    done
    # shellcheck disable=SC2086 # a list of words
    write_manifest $included
    take_snapshot "$included"
    id=$(finish_snapshot)
    apply_retention "$id"
    say "done: snapshot ${id:0:8}"
    jq -cs --arg id "$id" --argjson seconds "$SECONDS" \
        '.[-1] | {ok: true, snapshot: $id, bytes: .total_bytes_processed, added: .data_added_packed,
        files: .total_files_processed, duration_s: $seconds}' "$scratch/summary"
}

# write_manifest PART… says what the snapshot holds. A restore compares with it.
write_manifest() {
    local part files version about="{}"
    for part in "$@"; do
        about=$(jq -c --arg part "$part" --slurpfile about "$scratch/$part.json" '. + {($part): $about[0]}' <<<"$about")
    done
    files=$(checksums "$staging")
    version=$(restic version | cut -d' ' -f2)
    jq -n --argjson parts "$about" --argjson files "$files" --arg restic "$version" \
        --arg portal "$PORTAL_NAME" --arg domain "$PORTAL_DOMAIN" --arg studio "$PORTAL_STUDIO_DOMAIN" \
        '{format: 1, portal: $portal, domain: $domain, studio_domain: $studio, created: (now | todate),
        restic: $restic, parts: $parts, files: $files}' >"$staging/MANIFEST.json"
}

# take_snapshot PARTS makes the snapshot, which bears another tag while it may
# lack something: restic makes one also when it could not read a file.
take_snapshot() {
    local status paths=("$staging")
    [[ " $1 " != *" media "* ]] || paths+=("$media")
    say "writing the snapshot"
    for _ in 1 2; do
        status=0
        attempt "${restic[@]}" backup --json --quiet --host "$PORTAL_NAME" --tag "unfinished=$PORTAL_NAME" \
            --exclude "$media/$hidden" "${paths[@]}" >"$scratch/summary" || status=$?
        mask <"$scratch/stderr" >&2
        # A file may go while it is read; the second time there is little to do.
        ((status == 3)) || break
    done
    ((status == 0)) || fail "writing the snapshot failed with exit code $status: $(last_words)"
}

# finish_snapshot gives the snapshot its tag, and prints its id, which is new.
finish_snapshot() {
    local id
    id=$(jq -r 'select(.message_type == "summary").snapshot_id' "$scratch/summary")
    run "finishing the snapshot" "${restic[@]}" tag --json --remove "unfinished=$PORTAL_NAME" --add "portal=$PORTAL_NAME" "$id" >"$scratch/tagged"
    # Not all of its lines are JSON.
    jq -neRr '[inputs | fromjson? | .new_snapshot_id // empty][0]' "$scratch/tagged"
}

# apply_retention ID removes the portal's snapshots that are not to be kept, and
# those that runs left unfinished.
apply_retention() {
    local unit name value keep=()
    for unit in last hourly daily weekly monthly yearly; do
        name=BACKUP_KEEP_${unit^^}
        value=${!name:-0}
        [[ $value =~ ^[0-9]+$ ]] || fail "snapshot $1 is whole, but no old one was removed: $name is \"$value\", not a number"
        ((value == 0)) || keep+=("--keep-$unit" "$value")
    done
    run "snapshot $1 is whole; removing unfinished ones" "${restic[@]}" forget --quiet --tag "unfinished=$PORTAL_NAME" --unsafe-allow-remove-all >&2
    # Without a rule everything is kept.
    ((${#keep[@]} > 0)) || return 0
    run "snapshot $1 is whole; removing old ones" "${restic[@]}" forget --quiet --tag "portal=$PORTAL_NAME" --group-by "" --prune "${keep[@]}" >&2
}

verify() {
    local found subset=${BACKUP_VERIFY_SUBSET:-10%}
    one_at_a_time
    use_repository
    open_repository refuse
    run "the repository is damaged: the check" "${restic[@]}" check --read-data-subset "$subset" >&2
    say "the repository is whole; $subset of the data were read"
    found=$(snapshots "$PORTAL_NAME")
    jq -c --arg subset "$subset" --argjson seconds "$SECONDS" \
        '{ok: true, snapshots: length, read: $subset, duration_s: $seconds}' <<<"$found"
}

list() {
    local found="[]"
    use_repository
    # Beside a run, and where nothing may be written.
    restic+=(--no-lock)
    if repository_exists; then
        found=$(snapshots "${1:-$PORTAL_NAME}")
    fi
    jq -c '{ok: true, snapshots: .}' <<<"$found"
}

case "${1:-save}" in
save | verify) "${1:-save}" ;;
list) list "${2:-}" ;;
*) fail "there is no command \"$1\"; there are save, verify and list" ;;
esac
