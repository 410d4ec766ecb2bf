# shellcheck shell=bash
# What backup.sh and restore.sh share: how a run ends, how commands are run, how
# the repository is reached. The script that reads this file sets `task` before.
set -Eeuo pipefail
shopt -s inherit_errexit

readonly backups=/portal/backups secrets=/portal/secrets
readonly media=/edx/var/media overrides=/portal/overrides
# Under the same path each time, so that restic finds what it has already.
readonly staging=$backups/staging
# What a restore works with, and the file that is there while it switches from
# the data of before to those of the snapshot.
readonly restoring=$backups/restoring
readonly switching=$restoring/switching
readonly all_parts="mysql mongo media overrides"

scratch=$(mktemp -d)
child=""
# Where the result goes, wherever a function that fails has its output.
exec {result}>&1
trap 'ended $?' EXIT
trap 'unexpected "${BASH_SOURCE[0]##*/}" "$LINENO"' ERR
trap stopped TERM INT

say() { echo "$task: $*" >&2; }

# fail TEXT… ends the run. The first text that a run fails with is its result.
fail() {
    local text
    text=$(mask <<<"$*")
    say "$text"
    [[ -e $scratch/reason ]] || printf '%s' "$text" >"$scratch/reason"
    exit 1
}

unexpected() {
    [[ -e $scratch/reason ]] || printf 'a command failed in %s, line %d\n' "$1" "$2" | tee "$scratch/reason" >&2
}

# stopped ends the run at once when the container is told to stop.
stopped() {
    if [[ -n $child ]]; then
        kill -TERM "$child" 2>/dev/null || true
        wait "$child" || true
    fi
    fail "the run was told to stop"
}

# ended STATUS cleans up, and says as the last line why the run has failed.
ended() {
    local status=$1
    trap - EXIT ERR
    trap '' TERM INT
    set +e
    clean_up "$status"
    if ((status != 0)); then
        jq -cn --arg error "$(cat "$scratch/reason")" '{ok: false, error: $error}' >&"$result"
    fi
    rm -rf -- "$scratch"
    exit "$status"
}

# mask hides passwords in addresses.
mask() { sed -E 's#(://[^:/@ ]*):[^@/ ]*@#\1:***@#g'; }

# attempt COMMAND… runs a command, which `stopped` can end, and returns its exit
# code. What it says on standard error is kept.
attempt() {
    local status=0
    "$@" 2>"$scratch/stderr" <&0 &
    child=$!
    wait "$child" || status=$?
    child=""
    return "$status"
}

# run WHAT COMMAND… runs a command that must succeed.
run() {
    local what=$1 status=0
    shift
    attempt "$@" || status=$?
    mask <"$scratch/stderr" >&2
    ((status == 0)) || fail "$what failed with exit code $status: $(last_words)"
}

# last_words prints the line of what a command said that tells why it failed.
last_words() {
    local line
    # The reason, where a command says more after it.
    line=$(grep -E '(Failed|Fatal|[Ee]rror|ERROR)\b' "$scratch/stderr" | tail -n 1) ||
        line=$(grep -v '^[[:space:]]*$' "$scratch/stderr" | tail -n 1) || line="it said nothing"
    line=${line:0:500}
    # restic's errors are JSON when its results are.
    jq -er '.message // .error.message' <<<"$line" 2>/dev/null || echo "$line"
}

# one_at_a_time waits for other runs of this portal, and keeps them waiting.
one_at_a_time() {
    exec {lock}>"$backups/.lock"
    flock --nonblock "$lock" && return
    say "another backup or restore of the portal is running; waiting up to an hour for its end"
    run "waiting for the other run" flock --wait 3600 "$lock"
}

# parts LIST checks a list of parts and prints it in the usual order.
parts() {
    local part chosen=()
    for part in ${1//,/ }; do
        [[ " $all_parts " == *" $part "* ]] || fail "there is no part \"$part\"; the parts are $all_parts"
    done
    for part in $all_parts; do
        [[ " ${1//,/ } " != *" $part "* ]] || chosen+=("$part")
    done
    ((${#chosen[@]} > 0)) || fail "nothing is included; the parts are $all_parts"
    echo "${chosen[*]}"
}

# checksums DIRECTORY prints the size and hash of each file in it, as JSON.
checksums() {
    local name
    (
        cd "$1"
        find . -type f ! -path ./MANIFEST.json -printf '%P\0' | LC_ALL=C sort -z | while IFS= read -r -d '' name; do
            printf '%s %s %s\0' "$(sha256sum <"$name" | cut -c1-64)" "$(stat -c %s -- "$name")" "$name"
        done
    ) | jq -Rs 'split("\u0000") | map(select(. != "") | {sha256: .[:64], rest: .[65:]} | (.rest | index(" ")) as $i
        | {key: .rest[$i + 1:], value: {bytes: (.rest[:$i] | tonumber), sha256}}) | from_entries'
}

# read_credentials exports what the repository needs: lines NAME=value, taken
# literally, in a file that only this container has.
read_credentials() {
    local line number=0
    [[ -e $secrets/repository.env ]] || return 0
    while IFS= read -r line || [[ -n $line ]]; do
        number=$((number + 1))
        line=${line%$'\r'}
        [[ -n $line && $line != \#* ]] || continue
        [[ $line =~ ^([A-Z][A-Z0-9_]*)=(.*)$ ]] || fail "$secrets/repository.env: line $number is not of the form NAME=value"
        export "${BASH_REMATCH[1]}=${BASH_REMATCH[2]}"
    done <"$secrets/repository.env"
    # restic would prefer the file.
    [[ -z ${RESTIC_PASSWORD:-} ]] || unset RESTIC_PASSWORD_FILE
}

# local_repository prints the repository's directory if it is one on the drive.
local_repository() {
    local address=${RESTIC_REPOSITORY#local:}
    [[ $address == /* ]] && echo "$address"
}

# use_repository prepares the command `restic`.
use_repository() {
    local directory
    read_credentials
    # Others may hold a lock: portals share a repository.
    restic=(restic --retry-lock=30m)
    if directory=$(local_repository); then
        restic+=(--no-cache)
        # The repository of another portal is mounted read-only.
        [[ ! -e $directory/config || -w $directory/locks ]] || restic+=(--no-lock)
    elif [[ $RESTIC_REPOSITORY == sftp:* ]]; then
        restic+=(-o "sftp.args=-i $secrets/repository-ssh-key -o UserKnownHostsFile=$secrets/repository-known-hosts -o StrictHostKeyChecking=yes -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=30")
    fi
}

# repository_exists tells whether there is one. A repository that cannot be
# reached or opened may be whole, and ends the run.
repository_exists() {
    local status=0
    # Unreachable, restic would go on trying for a quarter of an hour.
    attempt timeout 90 "${restic[@]}" --no-lock cat config >/dev/null || status=$?
    case $status in
    0) return 0 ;;
    10) return 1 ;;
    esac
    mask <"$scratch/stderr" >&2
    case $status in
    12) fail "the password does not open the repository $RESTIC_REPOSITORY, which was made with another one" ;;
    124) fail "the repository $RESTIC_REPOSITORY cannot be reached: $(last_words)" ;;
    *) fail "the repository $RESTIC_REPOSITORY cannot be opened: $(last_words)" ;;
    esac
}

# open_repository MISSING makes sure that the repository answers. One that is not
# there is made or refused, as MISSING says ("create" or "refuse"); one that was
# there before is not made anew, for it is lost, or its disk is not mounted.
open_repository() {
    local mark
    mark=$backups/.repositories/$(sha256sum <<<"$RESTIC_REPOSITORY" | cut -c1-16)
    if ! repository_exists; then
        [[ ! -e $mark ]] || fail "the repository $RESTIC_REPOSITORY has been there before and is not there now: is its disk mounted? To begin a new one there, remove the file backups/.repositories/${mark##*/} of the portal's directory"
        [[ $1 == create ]] || fail "there is no repository at $RESTIC_REPOSITORY: no backup has been made there"
        create_repository
    fi
    mkdir -p "${mark%/*}"
    : >"$mark"
    # Locks of runs that were killed. All runs of a portal have one hostname and
    # wait for each other, so that a lock of that name is held by nobody.
    [[ " ${restic[*]} " == *" --no-lock "* ]] || run "removing old locks" "${restic[@]}" unlock --quiet >&2
}

create_repository() {
    local directory
    say "making the repository $(mask <<<"$RESTIC_REPOSITORY")"
    if directory=$(local_repository); then
        # At once or not at all: restic refuses what an init that was killed leaves.
        rm -rf -- "$directory.new"
        run "making the repository" "${restic[@]}" --repo "$directory.new" init --quiet >&2
        run "putting the repository in place" mv -T -- "$directory.new" "$directory"
    else
        run "making the repository" "${restic[@]}" init --quiet >&2
    fi
}

# snapshots PORTAL prints the whole snapshots of a portal as a JSON list, the
# oldest first.
snapshots() {
    run "listing the snapshots" "${restic[@]}" snapshots --json --tag "portal=$1" >"$scratch/snapshots"
    jq -c --arg portal "$1" 'sort_by(.time) | map({
        id, time, portal: $portal,
        bytes: (.summary.total_bytes_processed // 0), files: (.summary.total_files_processed // 0)
    })' "$scratch/snapshots"
}
