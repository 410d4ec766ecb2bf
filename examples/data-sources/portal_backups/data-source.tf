# What is in the repository of the schedule nightly.
data "portal_backups" "nightly" {
  portal   = "acme"
  schedule = "nightly"
}

# The newest backup that is older than the first of March.
locals {
  before = [
    for backup in data.portal_backups.nightly.backups : backup.id
    if timecmp(backup.time, "2026-03-01T00:00:00Z") < 0
  ]
}

output "backup_of_february" {
  value = one(slice(reverse(local.before), 0, min(1, length(local.before))))
}
