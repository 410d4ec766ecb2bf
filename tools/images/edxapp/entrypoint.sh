#!/bin/bash
# Renders Open edX's settings with Ansible, then becomes the process that the
# first argument names.
set -euo pipefail

word=${1:-}
variant=${SERVICE_VARIANT:-lms}
case "$word" in
lms | cms | lms-worker | cms-worker | migrate | compile-assets | create-superuser | reindex) ;;
*)
	echo "edxapp: '$word' is not one of: lms cms lms-worker cms-worker migrate compile-assets create-superuser reindex" >&2
	exit 64
	;;
esac
export SERVICE_VARIANT=$variant

# Later files beat earlier ones: the stack's settings, its secrets, the
# operator's overrides.
ansible-playbook --inventory localhost, /edx/ansible/edxapp.yml \
	-e @/portal/config/edxapp_defaults.yml \
	-e @/portal/secrets/edxapp.yml \
	-e @/portal/overrides/ansible_overrides.yml

web() {
	exec gunicorn portal_demo.wsgi --bind 0.0.0.0:8000 --workers "${GUNICORN_WORKERS:-2}" --threads 4 \
		--worker-tmp-dir /dev/shm --graceful-timeout 30 --timeout 60 --error-logfile -
}

worker() {
	local queue=edx.$variant.core
	exec celery --app=portal_demo worker --hostname="$variant@%h" --loglevel=INFO \
		--queues="$queue.default,$queue.high,$1" --concurrency="${CELERY_CONCURRENCY:-1}" \
		--max-tasks-per-child=100 --without-gossip --without-mingle
}

case "$word" in
lms | cms) web ;;
lms-worker) worker edx.lms.core.high_mem ;;
cms-worker) worker edx.cms.core.low ;;
migrate) exec python3 manage.py migrate_portal ;;
compile-assets) exec python3 manage.py collectstatic --noinput ;;
create-superuser) exec python3 manage.py create_admin ;;
reindex) exec python3 manage.py reindex ;;
esac
