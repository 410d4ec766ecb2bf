"""What the workers do."""
import socket

from celery import shared_task
from django.utils import timezone


@shared_task
def whereabouts():
    """Tells which worker ran it, and when."""
    return {"host": socket.gethostname(), "time": timezone.now().strftime("%H:%M:%S UTC")}
