"""Brings the databases up to date: safe to repeat, and to run after it was killed."""
import time

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from academy import courses

PATIENCE = 120  # seconds
FIRST_COURSE = (
    "Welcome to your portal",
    "A first course, so that the catalogue is not empty. It is kept in the document store and found through search.",
)


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args, **options):
        self._wait_for_mysql()
        call_command("migrate", interactive=False, verbosity=1)
        if courses.collection().count_documents({}) == 0:
            courses.save(*FIRST_COURSE)
            self.stdout.write("A first course is in the catalogue.")

    def _wait_for_mysql(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                connection.ensure_connection()
                return
            except OperationalError as error:
                if time.monotonic() > deadline:
                    raise CommandError(f"MySQL did not answer within {PATIENCE} seconds: {error}") from error
                time.sleep(1)
