# shellcheck shell=bash
# The parts "media" and "overrides" of a backup: folders of files.
#
# A folder is a mount, which cannot be renamed. So a restore puts the new files
# into a hidden folder in it, then moves each entry out and the new one in.

# The hidden folder, with the folders new and before.
readonly hidden=.portal-restore
# Locked in the folder of overrides by whoever writes there; it stays in place.
readonly lock_file=.lock

# media_save only counts: restic reads the uploads where they are.
media_save() {
    find "$media" -path "$media/$hidden" -prune -o -type f -printf '%s\n' |
        jq -s '{files: length, bytes: (add // 0)}' >"$scratch/media.json"
}

overrides_save() {
    # The settings are few, and part of what the manifest's checksums cover.
    cp -a -- "$overrides" "$staging/overrides"
    rm -rf -- "$staging/overrides/$hidden" "$staging/overrides/$lock_file"
    find "$staging/overrides" -type f -printf '%s\n' | jq -s '{files: length, bytes: (add // 0)}' >"$scratch/overrides.json"
}

media_prepare() {
    mkdir -m 0700 "$media/$hidden"
    run "reading the uploads of the snapshot" "${restic[@]}" restore --quiet --target "$media/$hidden/new" "$snapshot_id:$media" >&2
}

overrides_prepare() {
    mkdir -m 0700 "$overrides/$hidden"
    cp -a -- "$snapshot/overrides" "$overrides/$hidden/new"
}

media_switch() { files_switch "$media"; }
media_switch_back() { files_switch_back "$media"; }
media_clean() { files_clean "$media"; }
overrides_switch() {
    local edit
    if [[ -e $overrides/$lock_file ]]; then
        exec {edit}<>"$overrides/$lock_file"
        run "waiting for others that write overrides" flock --wait 60 "$edit"
    fi
    files_switch "$overrides"
    [[ -z ${edit:-} ]] || exec {edit}>&-
}
overrides_switch_back() { files_switch_back "$overrides"; }
overrides_clean() { files_clean "$overrides"; }

# files_switch FOLDER puts the new files in place of those of now.
files_switch() {
    local new=$1/$hidden/new before=$1/$hidden/before
    # By these names it can be undone.
    find "$new" -mindepth 1 -maxdepth 1 -printf '%f\0' >"$1/$hidden/names.part"
    mv -- "$1/$hidden/names.part" "$1/$hidden/names"
    mkdir "$before"
    find "$1" -mindepth 1 -maxdepth 1 ! -name "$hidden" ! -name "$lock_file" -exec mv -t "$before" -- {} +
    find "$new" -mindepth 1 -maxdepth 1 -exec mv -t "$1" -- {} +
}

# files_switch_back FOLDER undoes as much as was done of files_switch.
files_switch_back() {
    local name new=$1/$hidden/new before=$1/$hidden/before
    [[ -d $before ]] || return 0
    while IFS= read -r -d '' name; do
        [[ -e $new/$name || -L $new/$name ]] || mv -t "$new" -- "$1/$name"
    done <"$1/$hidden/names"
    find "$before" -mindepth 1 -maxdepth 1 -exec mv -t "$1" -- {} +
    rmdir "$before"
}

# files_clean FOLDER removes what a restore works with.
files_clean() { rm -rf -- "${1:?}/$hidden"; }
