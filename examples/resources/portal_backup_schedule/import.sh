# By the portal's name and that of the schedule.
terraform import portal_backup_schedule.nightly acme/nightly
