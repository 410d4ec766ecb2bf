# A chat beside the portal, under a hostname of its own.
resource "portal_service" "chat" {
  portal   = portal.acme.name
  name     = "chat"
  image    = "acme/chat:1.2"
  replicas = 2
  routes   = [{ host = "chat.acme.com", port = 8080 }]

  healthcheck = {
    test     = ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/health"]
    interval = "10s"
  }
}

variable "license_key" {
  type      = string
  sensitive = true
  ephemeral = true
}

# A program with data of its own, below a path of the portal's hostname. It reads
# one secret of the portal's database, one of its own, and a licence that neither
# the plan nor the state shows.
resource "portal_service" "analytics" {
  portal      = portal.acme.name
  name        = "analytics"
  image       = "acme/analytics:4"
  user        = "1000:1000"
  memory      = "2g"
  cpus        = 1.5
  stop_grace  = "1m"
  environment = { DATABASE_HOST = "mysql" }
  volumes     = { "/var/lib/analytics" = { name = "analytics" } }
  routes      = [{ host = "learn.acme.com", path = "/analytics", port = 3000, max_body = "10m" }]
  start_after = ["mysql", "edxapp-migrations"]

  secret_files = {
    "/etc/analytics/database.ini" = <<-EOT
      user = root
      password = [[ secret "mysql-root" ]]
      session_key = [[ secret "analytics-session" ]]
    EOT
  }
  secret_files_wo = {
    "/etc/analytics/license" = var.license_key
  }
  secret_files_wo_version = 1
}
