# shellcheck shell=bash
# The part "mongo" of a backup: every database of the document store but its own
# (users stay those of the portal that is restored into).
#
# mongodump sees one moment of each collection, not of all: a server without
# replicas has no more to offer. A restore loads the collections beside the live
# ones, under other names, and then renames, which takes no time.

readonly mongo_options=("--config=$secrets/mongo.yml" --host=mongo --username=edxapp --authenticationDatabase=admin)
# One collection at a time: the task's memory is small, and so is the server's.
readonly mongo_slowly=--numParallelCollections=1

document_store() { run "asking the document store" python3 "$here/document_store.py" "$@"; }

mongo_save() {
    local database view excluded databases
    mkdir "$staging/mongo"
    document_store describe >"$scratch/mongo.json"
    databases=$(mongo_databases "$scratch/mongo.json")
    while IFS= read -r database; do
        [[ -n $database ]] || continue
        excluded=()
        for view in $(jq -r --arg name "$database" '.databases[] | select(.name == $name).views[]' "$scratch/mongo.json"); do
            say "warning: the view $database.$view of the document store is left out: it has no data of its own"
            excluded+=("--excludeCollection=$view")
        done
        run "dumping $database of the document store" mongodump "${mongo_options[@]}" "$mongo_slowly" "${excluded[@]}" \
            --db="$database" --out="$staging/mongo" >&2
    done <<<"$databases"
}

# mongo_databases FILE prints the names in a description of this part.
mongo_databases() { jq -r '.databases[].name' "$1"; }

# mongo_prepare loads the collections beside the live ones.
mongo_prepare() {
    local database databases
    jq '.parts.mongo' "$snapshot/MANIFEST.json" >"$restoring/mongo.json"
    databases=$(mongo_databases "$restoring/mongo.json")
    while IFS= read -r database; do
        # One without collections has no folder.
        [[ -n $database && -d $snapshot/mongo/$database ]] || continue
        run "loading $database into the document store" mongorestore "${mongo_options[@]}" "$mongo_slowly" \
            --numInsertionWorkersPerCollection=1 --stopOnError \
            --nsInclude="$database.*" --nsFrom="$database.*" --nsTo="$database.portal_restore.*" "$snapshot/mongo" >&2
    done <<<"$databases"
}

mongo_switch() { document_store switch "$restoring/mongo.json" "$restoring/mongo.switched.json"; }
mongo_switch_back() { document_store switch-back "$restoring/mongo.json" "$restoring/mongo.switched.json"; }
mongo_clean() { document_store clean "$restoring/mongo.json"; }
