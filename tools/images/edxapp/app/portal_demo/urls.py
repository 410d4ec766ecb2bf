"""One set of pages for the lms, another for the cms."""
from django.conf import settings
from django.contrib import admin
from django.urls import path

from academy import views

COMMON = [
    path("heartbeat", views.heartbeat),
    path("admin/", admin.site.urls),
]

LMS = [
    path("", views.home, name="home"),
    path("enrol", views.enrol, name="enrol"),
]

CMS = [
    path("", views.studio, name="home"),
    path("courses", views.create_course, name="create-course"),
]

urlpatterns = COMMON + (CMS if settings.VARIANT == "cms" else LMS)
