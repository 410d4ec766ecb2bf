"""The Celery application of both the web processes and the workers."""
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal_demo.settings")
app = Celery("portal_demo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
