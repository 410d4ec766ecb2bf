# shellcheck shell=bash
# The part "mysql" of a backup: every schema but the server's own.
#
# A schema is saved as two files. <schema>.tables.sql has the tables and rows;
# <schema>.objects.sql has routines, views, triggers and events. So a restore can
# load the first beside the live schema, which a restore that fails has not
# touched then, and put the tables in place with one RENAME TABLE, all or none.

# Schemas that a restore works with: the new tables, and those of before.
readonly mysql_new=portal_restore_ mysql_old=portal_before_
readonly mysql_options=("--defaults-extra-file=$secrets/mysql.cnf" --default-character-set=utf8mb4)
# One moment of all tables, without a lock; the same text when nothing changed.
readonly mysqldump=(mysqldump "${mysql_options[@]}" --single-transaction --quick --hex-blob --no-tablespaces --skip-dump-date)

# mysql_query SQL prints the rows, a line each.
mysql_query() { run "asking MySQL" mysql "${mysql_options[@]}" --batch --raw --skip-column-names <<<"$1"; }

mysql_save() {
    local schema schemas
    mkdir "$staging/mysql"
    mysql_query "SELECT JSON_OBJECT('name', schema_name, 'charset', default_character_set_name, 'collation', default_collation_name)
        FROM information_schema.schemata
        WHERE schema_name NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')
        AND schema_name NOT LIKE '${mysql_new//_/\\_}%' AND schema_name NOT LIKE '${mysql_old//_/\\_}%'
        ORDER BY schema_name" >"$scratch/schemas"
    mysql_query "SELECT VERSION()" >"$scratch/version"
    jq -s --rawfile version "$scratch/version" '{version: ($version | rtrimstr("\n")), schemas: .}' "$scratch/schemas" >"$scratch/mysql.json"
    schemas=$(mysql_schemas "$scratch/mysql.json")
    for schema in $schemas; do
        mysql_warn_unsafe "$schema"
        mysql_dump_tables "$schema" >"$staging/mysql/$schema.tables.sql"
        mysql_dump_objects "$schema" >"$staging/mysql/$schema.objects.sql"
    done
}

# mysql_schemas FILE prints the names in a description of this part.
mysql_schemas() {
    local names
    names=$(jq -r '.schemas[].name' "$1")
    ! grep -vE '^[A-Za-z0-9_$-]*$' <<<"$names" >&2 || fail "the schema above has a name with other characters than letters, digits, _, \$ and -"
    echo "$names"
}

# mysql_warn_unsafe SCHEMA names the tables that have no transactions.
mysql_warn_unsafe() {
    local tables
    tables=$(mysql_query "SELECT table_name FROM information_schema.tables
        WHERE table_schema = '$1' AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'")
    [[ -z $tables ]] || say "warning: these tables of $1 are not InnoDB, and what is written to them meanwhile may be half in the dump: ${tables//$'\n'/, }"
}

mysql_views() { mysql_query "SELECT table_name FROM information_schema.views WHERE table_schema = '$1' ORDER BY table_name"; }

# mysql_readable_views SCHEMA prints the views without those that read tables
# which are gone: they can neither be dumped nor made.
mysql_readable_views() {
    local view views
    views=$(mysql_views "$1")
    while IFS= read -r view; do
        [[ -n $view ]] || continue
        if attempt mysql "${mysql_options[@]}" "$1" <<<"SHOW FIELDS FROM \`${view//\`/\`\`}\`" >/dev/null; then
            echo "$view"
        elif grep -q '^ERROR 1356 ' "$scratch/stderr"; then
            say "warning: the view $1.$view is left out: it reads what is not there"
        else
            fail "looking at the view $1.$view failed: $(last_words)"
        fi
    done <<<"$views"
}

mysql_dump_tables() {
    local view views ignored=()
    views=$(mysql_views "$1")
    while IFS= read -r view; do
        [[ -z $view ]] || ignored+=("--ignore-table=$1.$view")
    done <<<"$views"
    run "dumping the tables of $1" "${mysqldump[@]}" --skip-triggers "${ignored[@]}" "$1"
}

mysql_dump_objects() {
    local views
    run "dumping the routines of $1" "${mysqldump[@]}" --no-data --no-create-info --routines --triggers --events "$1"
    views=$(mysql_readable_views "$1")
    [[ -n $views ]] || return 0
    mapfile -t views <<<"$views"
    run "dumping the views of $1" "${mysqldump[@]}" --no-data --skip-triggers "$1" "${views[@]}"
}

# mysql_load WHAT SCHEMA FILE
mysql_load() { run "loading $1 into $2" mysql "${mysql_options[@]}" "$2" <"$3"; }

# mysql_prepare loads the tables beside the live ones.
mysql_prepare() {
    local schema schemas
    jq '.parts.mysql' "$snapshot/MANIFEST.json" >"$restoring/mysql.json"
    schemas=$(mysql_schemas "$restoring/mysql.json")
    mkdir "$restoring/mysql"
    for schema in $schemas; do
        mysql_create "$mysql_new$schema" "$schema"
        mysql_load "the tables of $schema" "$mysql_new$schema" "$snapshot/mysql/$schema.tables.sql"
        mysql_rename_sites "$mysql_new$schema"
    done
}

# mysql_create SCHEMA LIKE makes a schema with the settings of one that was saved.
mysql_create() {
    local charset
    charset=$(jq -er --arg name "$2" '.schemas[] | select(.name == $name) | "CHARACTER SET \(.charset) COLLATE \(.collation)"' "$restoring/mysql.json")
    mysql_query "CREATE DATABASE IF NOT EXISTS \`$1\` $charset"
}

# mysql_rename_sites SCHEMA gives Django's sites the domain of this portal, when
# the snapshot is of a portal with another one.
mysql_rename_sites() {
    local was studio renamed found
    was=$(jq -r .domain "$snapshot/MANIFEST.json")
    studio=$(jq -r .studio_domain "$snapshot/MANIFEST.json")
    [[ $was != "$PORTAL_DOMAIN" || $studio != "$PORTAL_STUDIO_DOMAIN" ]] || return 0
    [[ $was$studio$PORTAL_DOMAIN$PORTAL_STUDIO_DOMAIN =~ ^[A-Za-z0-9.-]+$ ]] || fail "the manifest's $was and $studio are not domains"
    found=$(mysql_query "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '$1' AND table_name = 'django_site'")
    ((found == 1)) || return 0
    say "Django's sites of $was become those of $PORTAL_DOMAIN"
    renamed="IF(domain = '$studio', '$PORTAL_STUDIO_DOMAIN', CONCAT(LEFT(domain, CHAR_LENGTH(domain) - CHAR_LENGTH('$was')), '$PORTAL_DOMAIN'))"
    mysql_query "UPDATE \`$1\`.django_site SET name = IF(name = domain, LEFT($renamed, 50), name), domain = $renamed
        WHERE domain IN ('$was', '$studio') OR domain LIKE '%.$was'"
}

# mysql_switch puts the new tables in place, and makes the objects on them.
mysql_switch() {
    local schema schemas there
    schemas=$(mysql_schemas "$restoring/mysql.json")
    for schema in $schemas; do
        there=$(mysql_query "SELECT schema_name FROM information_schema.schemata WHERE schema_name = '$schema'")
        [[ -n $there ]] || : >"$restoring/mysql/$schema.added"
        mysql_create "$schema" "$schema"
        mysql_create "$mysql_old$schema" "$schema"
        mysql_dump_objects "$schema" >"$restoring/mysql/$schema.part"
        mv -- "$restoring/mysql/$schema.part" "$restoring/mysql/$schema.before.sql"
        # A table with a trigger cannot move.
        mysql_drop_objects "$schema"
        mysql_move "$schema" "$mysql_old$schema" "$mysql_new$schema" "$schema"
        mysql_load "the routines of $schema" "$schema" "$snapshot/mysql/$schema.objects.sql"
    done
}

# mysql_switch_back undoes as much as was done of mysql_switch.
mysql_switch_back() {
    local schema schemas loaded
    schemas=$(mysql_schemas "$restoring/mysql.json")
    for schema in $schemas; do
        # Without the objects of before, nothing was touched.
        [[ -e $restoring/mysql/$schema.before.sql ]] || continue
        mysql_drop_objects "$schema"
        loaded=$(mysql_tables "$mysql_new$schema")
        if [[ -z $loaded ]]; then
            mysql_move "$schema" "$mysql_new$schema" "$mysql_old$schema" "$schema"
        fi
        if [[ -e $restoring/mysql/$schema.added ]]; then
            mysql_query "DROP DATABASE IF EXISTS \`$schema\`"
        else
            mysql_load "the routines of before" "$schema" "$restoring/mysql/$schema.before.sql"
        fi
    done
}

# mysql_clean removes the schemas that a restore works with.
mysql_clean() {
    local schema schemas
    schemas=$(mysql_schemas "$restoring/mysql.json")
    for schema in $schemas; do
        mysql_query "DROP DATABASE IF EXISTS \`$mysql_new$schema\`; DROP DATABASE IF EXISTS \`$mysql_old$schema\`"
    done
}

mysql_tables() { mysql_query "SELECT table_name FROM information_schema.tables WHERE table_schema = '$1' AND table_type <> 'VIEW' LIMIT 1"; }

# mysql_move A B C D moves the tables of A to B and those of C to D, in one go.
mysql_move() {
    local moves
    moves=$(mysql_query "SELECT statement FROM (
        SELECT 1 AS turn, CONCAT('\`$1\`.\`', REPLACE(table_name, '\`', '\`\`'), '\` TO \`$2\`.\`', REPLACE(table_name, '\`', '\`\`'), '\`') AS statement
            FROM information_schema.tables WHERE table_schema = '$1' AND table_type <> 'VIEW'
        UNION ALL
        SELECT 2, CONCAT('\`$3\`.\`', REPLACE(table_name, '\`', '\`\`'), '\` TO \`$4\`.\`', REPLACE(table_name, '\`', '\`\`'), '\`')
            FROM information_schema.tables WHERE table_schema = '$3' AND table_type <> 'VIEW'
        ) AS moves ORDER BY turn")
    [[ -n $moves ]] || return 0
    # Somebody who reads a table for long must not hold up everything.
    mysql_query "SET SESSION lock_wait_timeout = 60; RENAME TABLE ${moves//$'\n'/, }"
}

# mysql_drop_objects SCHEMA drops everything but the tables.
mysql_drop_objects() {
    local statements
    statements=$(mysql_query "
        SELECT CONCAT('DROP TRIGGER IF EXISTS \`$1\`.\`', REPLACE(trigger_name, '\`', '\`\`'), '\`;')
            FROM information_schema.triggers WHERE trigger_schema = '$1'
        UNION ALL SELECT CONCAT('DROP VIEW IF EXISTS \`$1\`.\`', REPLACE(table_name, '\`', '\`\`'), '\`;')
            FROM information_schema.views WHERE table_schema = '$1'
        UNION ALL SELECT CONCAT('DROP ', routine_type, ' IF EXISTS \`$1\`.\`', REPLACE(routine_name, '\`', '\`\`'), '\`;')
            FROM information_schema.routines WHERE routine_schema = '$1'
        UNION ALL SELECT CONCAT('DROP EVENT IF EXISTS \`$1\`.\`', REPLACE(event_name, '\`', '\`\`'), '\`;')
            FROM information_schema.events WHERE event_schema = '$1'")
    [[ -z $statements ]] || mysql_query "$statements"
}
