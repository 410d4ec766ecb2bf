"""Makes every course findable again."""
from django.core.management.base import BaseCommand

from academy import courses


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args, **options):
        number = 0
        for course in courses.collection().find():
            courses.index(course)
            number += 1
        self.stdout.write(f"{number} courses are in the search index.")
