# Every night at a quarter past two, into the portal's backups/ on the shared drive.
resource "portal_backup_schedule" "nightly" {
  portal   = portal.acme.name
  name     = "nightly"
  cron     = "15 2 * * *"
  timezone = "Europe/Paris"
  keep     = { daily = 7, weekly = 4, monthly = 12 }
}

variable "offsite" {
  description = "What opens the off-site repository."
  type = object({
    key      = string
    secret   = string
    password = string
  })
  ephemeral = true
}

variable "webhook" {
  description = "Address that is told when a backup has failed."
  type        = string
  ephemeral   = true
}

# Once a week to another place, which is checked every month.
resource "portal_backup_schedule" "offsite" {
  portal     = portal.acme.name
  name       = "offsite"
  cron       = "0 4 * * SUN"
  keep       = { weekly = 8, yearly = 3 }
  repository = "s3:https://s3.eu-west-3.amazonaws.com/example-backups/acme"
  retries    = 2
  verify     = { cron = "0 6 1 * *", read_data_percent = 25 }

  credentials_wo = {
    AWS_ACCESS_KEY_ID     = var.offsite.key
    AWS_SECRET_ACCESS_KEY = var.offsite.secret
    # Known outside the shared drive, so that the backups can be read without it.
    RESTIC_PASSWORD = var.offsite.password
  }
  credentials_wo_version = 1

  webhook_url_wo         = var.webhook
  webhook_url_wo_version = 1
}

# When the last backup was made, for a monitor to look at.
output "last_backup" {
  value = portal_backup_schedule.nightly.last_run
}
