"""Makes the portal's administrator, or gives an existing one the password of the secret's file."""
import os
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

PASSWORD = Path("/portal/secrets/admin-password")


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args, **options):
        email = os.environ.get("PORTAL_ADMIN_EMAIL", "").strip()
        if "@" not in email:
            raise CommandError("PORTAL_ADMIN_EMAIL must hold the administrator's address")
        try:
            password = PASSWORD.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise CommandError(f"the administrator's password cannot be read: {error}") from error
        user, created = get_user_model().objects.get_or_create(username=email, defaults={"email": email})
        user.is_staff = user.is_superuser = user.is_active = True
        user.set_password(password)
        user.save()
        self.stdout.write(f"Administrator {email} was {'made' if created else 'updated'}.")
        self.stdout.write("The password is in the file secrets/admin-password of the portal's directory on the shared drive.")
