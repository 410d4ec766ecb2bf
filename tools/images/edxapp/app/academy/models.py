"""What the portal keeps in MySQL."""
from django.db import models


class Enrolment(models.Model):
    """A learner in a course; the course itself is in the document store."""

    learner = models.CharField(max_length=80)
    course = models.CharField(max_length=80, db_index=True)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.learner} in {self.course}"
