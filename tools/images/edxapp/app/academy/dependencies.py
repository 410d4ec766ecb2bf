"""Is each service that the portal stands on reached, and does it work?

A probe comes in two depths: `quick` only knocks, for health checks; `deep` has
the service do its real work, for the page that people look at.
"""
import concurrent.futures
import dataclasses
import email.message
import email.utils
import smtplib
import time
from typing import Callable

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from portal_demo.celery import app as celery

from . import courses, tasks
from .models import Enrolment

# How long the answers of deep probes are shown again, in seconds: a page that
# is reloaded a lot must not flood the mail queue.
KEPT = 15
WORKER_TIMEOUT = 5


@dataclasses.dataclass(frozen=True)
class Dependency:
    """A service, and its two probes. A probe returns what it saw, or raises."""

    name: str
    quick: Callable[[], str]
    deep: Callable[[], str]
    # Without a core service no page can be answered at all.
    core: bool = False


def mysql_quick():
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        return cursor.fetchone()[0]


def mysql_deep():
    return f"{Enrolment.objects.count()} enrolments, {mysql_quick()}"


def mongo_quick():
    courses.client().admin.command("ping")
    return "answers"


def mongo_deep():
    return f"{courses.collection().count_documents({})} courses"


def redis_client():
    return redis.Redis(settings.REDIS_HOST, password=settings.REDIS_PASSWORD, socket_timeout=3, socket_connect_timeout=3)


def redis_quick():
    redis_client().ping()
    return "answers"


def redis_deep():
    return f"{redis_client().incr('portal:checks')} checks counted"


def memcached():
    mark = str(time.time_ns())
    cache.set("portal:probe:" + mark, mark, 60)
    if cache.get("portal:probe:" + mark) != mark:
        raise RuntimeError("what was stored did not come back")
    return "stored and read a value"


def rabbitmq_quick():
    with celery.connection_for_write(connect_timeout=3) as broker:
        broker.connect()
    return "answers"


def rabbitmq_deep():
    rabbitmq_quick()  # without a broker, sending a task would try for long
    result = tasks.whereabouts.apply_async(expires=2 * WORKER_TIMEOUT, retry=False)
    ran = result.get(timeout=WORKER_TIMEOUT)
    return f"a task ran on worker {ran['host']} at {ran['time']}"


def search_quick():
    return courses.search_request("GET", "/_cluster/health")["status"]


def search_deep():
    total = courses.search_request("GET", f"/{courses.INDEX}/_search")["hits"]["total"]["value"]
    return f"{total} courses indexed"


def mail_connection():
    server = smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=5)
    if settings.EMAIL_USE_TLS:
        server.starttls()
    if settings.EMAIL_HOST_USER:
        server.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
    return server


def mail_quick():
    with mail_connection() as server:
        code, text = server.noop()
        return f"{code} {text.decode()}"


def mail_deep():
    message = email.message.EmailMessage()
    message["From"] = settings.DEFAULT_FROM_EMAIL
    # No such domain exists (RFC 2606): the message is queued and goes nowhere.
    message["To"] = "probe@portal.invalid"
    message["Subject"] = f"{settings.PLATFORM_NAME} can send mail"
    message["Date"] = email.utils.localtime()
    message.set_content("Sent to see that the mail relay takes messages.")
    with mail_connection() as server:
        server.ehlo_or_helo_if_needed()
        for code, text in (server.mail(settings.DEFAULT_FROM_EMAIL), server.rcpt(message["To"]),
                           server.data(message.as_bytes())):
            if code >= 300:
                raise RuntimeError(f"{code} {text.decode()}")
        return f"a message was accepted: {code} {text.decode()}"


ALL = (
    Dependency("MySQL", mysql_quick, mysql_deep, core=True),
    Dependency("Document store", mongo_quick, mongo_deep, core=True),
    Dependency("Redis", redis_quick, redis_deep),
    Dependency("Memcached", memcached, memcached),
    Dependency("RabbitMQ", rabbitmq_quick, rabbitmq_deep),
    Dependency("Search", search_quick, search_deep),
    Dependency("Mail", mail_quick, mail_deep),
)


def probe(depth):
    """Probes everything at once; `depth` is "quick" or "deep". Returns a list in the order of ALL."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(ALL)) as pool:
        return list(pool.map(lambda dependency: _probe(dependency, depth), ALL))


def _probe(dependency, depth):
    started = time.monotonic()
    try:
        detail, good = getattr(dependency, depth)(), True
    except Exception as error:  # whatever it is, it is what the page has to show
        detail, good = f"{type(error).__name__}: {_without_secrets(str(error))}"[:200], False
    finally:
        connection.close()  # the thread's own
    return {
        "name": dependency.name, "ok": good, "core": dependency.core, "detail": detail,
        "milliseconds": round((time.monotonic() - started) * 1000),
    }


def _without_secrets(text):
    for secret in (settings.REDIS_PASSWORD, settings.DATABASES["default"]["PASSWORD"],
                   settings.DOC_STORE_CONFIG["password"], settings.EMAIL_HOST_PASSWORD,
                   settings.AUTH["CELERY_BROKER_PASSWORD"], settings.SECRET_KEY):
        if secret:
            text = text.replace(secret, "********")
    return text


def recent():
    """The answers of deep probes, at most KEPT seconds old, with their age."""
    key = f"portal:probes:{settings.VARIANT}"
    try:
        kept = cache.get(key)
    except Exception:  # memcached is down: its own probe tells
        kept = None
    if kept is None:
        kept = {"taken": time.time(), "probes": probe("deep")}
        if all(item["ok"] for item in kept["probes"]):
            cache.set(key, kept, KEPT)
    return kept["probes"], round(time.time() - kept["taken"])
