#!/bin/bash
# Starts MariaDB by the official mysql image's conventions:
#   MYSQL_ROOT_PASSWORD, MYSQL_DATABASE, MYSQL_USER, MYSQL_PASSWORD, or the same
#   names with _FILE for a file that holds the value;
#   a command that starts with a flag is the server's.
# Database, user and passwords are put right at every start, so a start that was
# killed half-way is finished by the next one.
set -euo pipefail

readonly datadir=/var/lib/mysql
readonly marker=$datadir/.system-tables

fail() {
	echo "mysql entrypoint: $*" >&2
	exit 1
}

# value NAME prints the variable NAME, or the content of the file NAME_FILE.
value() {
	local file="${1}_FILE"
	if [[ -n ${!file:-} ]]; then
		[[ -r ${!file} ]] || fail "$file is ${!file}, which uid $(id -u) cannot read"
		cat "${!file}"
	else
		printf '%s' "${!1:-}"
	fi
}

# quote prints its argument as an SQL string.
quote() {
	local text=${1//\\/\\\\}
	printf "'%s'" "${text//\'/\'\'}"
}

# accounts prints the statements that make the database and its users; the
# server wants one on each line.
accounts() {
	local root password database user host
	root=$(value MYSQL_ROOT_PASSWORD)
	database=$(value MYSQL_DATABASE)
	user=$(value MYSQL_USER)
	password=$(value MYSQL_PASSWORD)
	for host in localhost %; do
		echo "CREATE USER IF NOT EXISTS 'root'@'$host';"
		echo "ALTER USER 'root'@'$host' IDENTIFIED BY $(quote "$root");"
		echo "GRANT ALL PRIVILEGES ON *.* TO 'root'@'$host' WITH GRANT OPTION;"
	done
	if [[ -n $database ]]; then
		echo "CREATE DATABASE IF NOT EXISTS \`$database\`;"
	fi
	if [[ -n $user ]]; then
		echo "CREATE USER IF NOT EXISTS $(quote "$user")@'%';"
		echo "ALTER USER $(quote "$user")@'%' IDENTIFIED BY $(quote "$password");"
		[[ -z $database ]] || echo "GRANT ALL PRIVILEGES ON \`$database\`.* TO $(quote "$user")@'%';"
	fi
}

case "${1:-mysqld}" in
mysqld | mariadbd) shift || true ;;
-*) ;;
*) exec "$@" ;;
esac

[[ -n $(value MYSQL_ROOT_PASSWORD) ]] || fail "MYSQL_ROOT_PASSWORD_FILE is not set, or its file is empty"
[[ ! -e $datadir/mysql.ibd ]] || fail "$datadir holds the data of MySQL 8, which MariaDB cannot read: use a mysql image"

if [[ ! -e $marker ]]; then
	# Without the marker no server has ever run here: what there is was left by
	# an initialisation that was killed.
	rm -rf "${datadir:?}"/{mysql,performance_schema,sys} "${datadir:?}"/{ibdata1,ib_logfile0,ib_buffer_pool,undo00?,aria_log*}
	mariadb-install-db --defaults-file=/etc/mysql/portal.cnf --auth-root-authentication-method=normal \
		--skip-test-db --skip-name-resolve >&2
	touch "$marker"
fi

exec mariadbd --defaults-file=/etc/mysql/portal.cnf --init-file=<(accounts) "$@"
