"""What every page knows of the platform."""
import socket

from django.conf import settings


def platform(request):
    """The names and addresses that the operator set, and the container that answers."""
    return {
        "platform_name": settings.PLATFORM_NAME,
        "platform_description": settings.PLATFORM_DESCRIPTION,
        "studio_name": settings.STUDIO_NAME,
        "lms_url": settings.LMS_ROOT_URL,
        "cms_url": f"{request.scheme}://{settings.CMS_BASE}",
        "media_url": settings.MEDIA_URL,
        "container": socket.gethostname(),
    }
