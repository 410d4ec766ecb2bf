# terraform apply -invoke=action.portal_restart.lms
action "portal_restart" "lms" {
  config {
    portal   = portal.acme.name
    services = ["lms", "lms-workers"]
  }
}

# After each change of a theme that is mounted into the containers.
resource "terraform_data" "theme" {
  input = var.theme_version

  lifecycle {
    action_trigger {
      events  = [after_update]
      actions = [action.portal_restart.lms]
    }
  }
}

variable "theme_version" {
  type = string
}
