# Started by hand: `docker start -a acme-clear-sessions`, or the play button of a
# Docker tool. It has all that the lms has.
resource "portal_task" "clear_sessions" {
  portal  = portal.acme.name
  name    = "clear-sessions"
  from    = "lms"
  command = ["./manage.py", "lms", "clearsessions"]
}

variable "webhook" {
  type      = string
  sensitive = true
  ephemeral = true
}

# By the clock, with a word to the chat when it fails.
resource "portal_task" "report" {
  portal   = portal.acme.name
  name     = "report"
  image    = "acme/report:1.2"
  command  = ["report", "--mail", "academy@acme.com"]
  cron     = "30 6 * * MON-FRI"
  timezone = "Europe/Paris"
  jitter   = "10m"
  retries  = 2
  timeout  = "1h"

  webhook_url_wo         = var.webhook
  webhook_url_wo_version = 1
}

# Within the apply, when it is made and with each release.
resource "portal_task" "load_courses" {
  portal  = portal.acme.name
  name    = "load-courses"
  from    = "cms"
  command = ["./manage.py", "cms", "import", "/courses"]
  volumes = { "/courses" = { name = "courses", read_only = true } }
  run_on  = { release = "2026.2" }
}
