import {
  to = portal_backup_schedule.nightly
  id = "acme/nightly"
}
