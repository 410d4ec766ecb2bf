import {
  to = portal_override.branding
  id = "acme:EDXAPP_PLATFORM_NAME,EDXAPP_REGISTRATION_EXTRA_FIELDS"
}
