"""The pages of the lms and of the cms."""
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.files.storage import default_storage
from django.db.models import Count
from django.http import JsonResponse
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from . import courses, dependencies
from .models import Enrolment

PICTURES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif"}
MAX_PICTURE = 5 << 20  # bytes


@never_cache
@require_GET
def heartbeat(request):
    """The health probe: 503 when a core service is down, with ?extended when any is."""
    probes = dependencies.probe("quick")
    extended = "extended" in request.GET
    good = all(item["ok"] for item in probes if item["core"] or extended)
    return JsonResponse({item.pop("name"): item for item in probes}, status=200 if good else 503)


@never_cache
@require_GET
def home(request):
    """The lms's front page: the courses, and the state of everything below."""
    return _page(request, "academy/home.html")


@never_cache
@require_GET
def studio(request):
    """The cms's front page: the same courses, for those who write them."""
    return _page(request, "academy/studio.html")


def _page(request, template):
    words = request.GET.get("q", "").strip()
    probes, age = dependencies.recent()
    try:
        found = courses.find(words) if words else courses.every()
        learners = {row["course"]: row["n"] for row in
                    Enrolment.objects.values("course").annotate(n=Count("id"))}
        for course in found:
            course["learners"] = learners.get(course["name"], 0)
    except Exception:  # the page below says which service is down
        found = []
    good = all(item["ok"] for item in probes)
    return render(request, template, {"probes": probes, "age": age, "good": good, "courses": found, "words": words})


@require_POST
def enrol(request):
    """Writes a learner into a course."""
    learner = request.POST.get("learner", "").strip()[:80]
    course = request.POST.get("course", "")
    if learner and courses.collection().find_one({"_id": course}):
        Enrolment.objects.create(learner=learner, course=course)
        messages.success(request, f"{learner} is enrolled.")
    else:
        messages.error(request, "Give your name, and a course that exists.")
    return redirect("home")


@staff_member_required
@require_POST
def create_course(request):
    """Stores a course and its picture."""
    title = request.POST.get("title", "").strip()[:120]
    picture = request.FILES.get("picture")
    if picture and (picture.content_type not in PICTURES or picture.size > MAX_PICTURE):
        messages.error(request, "A picture is a PNG, JPEG or GIF of 5 MB at most.")
        return redirect("home")
    name = ""
    if picture:
        name = default_storage.save(f"courses/{get_random_string(12)}.{PICTURES[picture.content_type]}", picture)
    try:
        courses.save(title, request.POST.get("text", "").strip()[:5000], name)
    except ValueError as error:
        messages.error(request, f"Not stored: {error}.")
    else:
        messages.success(request, f"“{title}” is in the catalogue of {settings.PLATFORM_NAME}.")
    return redirect("home")
