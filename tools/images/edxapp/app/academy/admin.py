"""The administration pages."""
from django.contrib import admin

from .models import Enrolment

admin.site.register(Enrolment, list_display=("learner", "course", "created"))
