# The name on the page, a theme, and one feature of many.
resource "portal_override" "branding" {
  portal = portal.acme.name

  values = {
    EDXAPP_PLATFORM_NAME             = "Acme Academy"
    EDXAPP_DEFAULT_SITE_THEME        = "acme"
    EDXAPP_COMPREHENSIVE_THEME_DIRS  = ["/edx/app/edxapp/themes"]
    EDXAPP_ENABLE_MOBILE_REST_API    = true
    EDXAPP_REGISTRATION_EXTRA_FIELDS = { city = "hidden", company = "required" }
  }
}

variable "smtp_password" {
  type      = string
  sensitive = true
  ephemeral = true
}

# A mail server of the client's own. The password is in no plan and no state.
resource "portal_override" "mail" {
  portal = portal.acme.name

  values = {
    EDXAPP_EMAIL_HOST      = "smtp.acme.com"
    EDXAPP_EMAIL_PORT      = 587
    EDXAPP_EMAIL_USE_TLS   = true
    EDXAPP_EMAIL_HOST_USER = "portal"
  }
  secret_values_wo = {
    EDXAPP_EMAIL_HOST_PASSWORD = var.smtp_password
  }
  secret_values_wo_version = 1
}

# A starting value that the client may change in the portal's admin pages.
resource "portal_override" "contact" {
  portal = portal.acme.name
  values = { EDXAPP_CONTACT_EMAIL = "academy@acme.com" }

  lifecycle {
    ignore_changes = [values]
  }
}
