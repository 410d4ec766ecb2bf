"""Django's settings, from the two JSON files that Ansible rendered."""
import json
import os
from pathlib import Path
from urllib.parse import quote

VARIANT = os.environ.get("SERVICE_VARIANT", "lms")


def _read(kind):
    path = Path(os.environ.get("CONFIG_ROOT", "/edx/app/edxapp")) / f"{VARIANT}.{kind}.json"
    return json.loads(path.read_text(encoding="utf-8"))


ENV = _read("env")
AUTH = _read("auth")


def _hostname(address):
    return address.rsplit(":", 1)[0]


# What the pages show.
PLATFORM_NAME = ENV["PLATFORM_NAME"]
PLATFORM_DESCRIPTION = ENV["PLATFORM_DESCRIPTION"]
STUDIO_NAME = ENV["STUDIO_NAME"]
SITE_NAME = ENV["SITE_NAME"]
LMS_BASE = ENV["LMS_BASE"]
CMS_BASE = ENV["CMS_BASE"]
LMS_ROOT_URL = ENV["LMS_ROOT_URL"]
TECH_SUPPORT_EMAIL = ENV["TECH_SUPPORT_EMAIL"]
FEATURES = ENV["FEATURES"]

DEBUG = False
SECRET_KEY = AUTH["SECRET_KEY"]
ALLOWED_HOSTS = [
    SITE_NAME, _hostname(LMS_BASE), _hostname(CMS_BASE), "lms", "cms", "localhost", "127.0.0.1",
    *os.environ.get("PORTAL_ALIASES", "").split(),
]
ROOT_URLCONF = "portal_demo.urls"
WSGI_APPLICATION = "portal_demo.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "academy",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
        "academy.context.platform",
    ]},
}]

# The load balancer sets it from the connection and strips the client's own.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_DOMAIN = ENV["SESSION_COOKIE_DOMAIN"] or None
SESSION_COOKIE_NAME = "sessionid"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

DATABASES = {"default": {
    **AUTH["DATABASES"]["default"],
    "ENGINE": "django.db.backends.mysql",
    "CONN_MAX_AGE": 60,
    "OPTIONS": {"charset": "utf8mb4", "connect_timeout": 5},
}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DOC_STORE_CONFIG = AUTH["DOC_STORE_CONFIG"]

CACHES = {"default": {
    "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
    "LOCATION": ENV["CACHES"]["default"]["LOCATION"],
    "OPTIONS": {"connect_timeout": 2, "timeout": 2},
}}

REDIS_HOST = ENV["REDIS_HOSTNAME"]
REDIS_PASSWORD = AUTH["REDIS_PASSWORD"]

CELERY_BROKER_URL = "amqp://{}:{}@{}:5672/{}".format(
    quote(AUTH["CELERY_BROKER_USER"], safe=""), quote(AUTH["CELERY_BROKER_PASSWORD"], safe=""),
    ENV["CELERY_BROKER_HOSTNAME"], ENV["CELERY_BROKER_VHOST"],
)
CELERY_BROKER_CONNECTION_TIMEOUT = 3
CELERY_RESULT_BACKEND = "redis://:{}@{}:6379/1".format(quote(REDIS_PASSWORD, safe=""), REDIS_HOST)
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"retry_policy": {"timeout": 3}}
CELERY_REDIS_SOCKET_CONNECT_TIMEOUT = 3
CELERY_RESULT_EXPIRES = 300
CELERY_TASK_DEFAULT_QUEUE = f"edx.{VARIANT}.core.default"

SEARCH_URL = "http://{host}:{port}".format(**ENV["ELASTIC_SEARCH_CONFIG"][0])

EMAIL_HOST = ENV["EMAIL_HOST"]
EMAIL_PORT = ENV["EMAIL_PORT"]
EMAIL_USE_TLS = ENV["EMAIL_USE_TLS"]
EMAIL_HOST_USER = AUTH["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = AUTH["EMAIL_HOST_PASSWORD"]
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = ENV["DEFAULT_FROM_EMAIL"]
SERVER_EMAIL = ENV["SERVER_EMAIL"]

STATIC_URL = "/static/"
STATIC_ROOT = ENV["STATIC_ROOT_BASE"]
MEDIA_URL = ENV["MEDIA_URL"]
MEDIA_ROOT = ENV["MEDIA_ROOT"]
FILE_UPLOAD_PERMISSIONS = 0o644

LANGUAGE_CODE = ENV["LANGUAGE_CODE"]
TIME_ZONE = ENV["TIME_ZONE"]
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
