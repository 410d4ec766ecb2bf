"""The demo's Django project: the lms and the cms, told apart by SERVICE_VARIANT."""
from .celery import app as celery_app

__all__ = ["celery_app"]
