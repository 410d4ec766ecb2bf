# The least there is to say: the built-in blueprint, with your Open edX images.
resource "portal" "acme" {
  name   = "acme"
  domain = "learn.acme.com"

  images = {
    edxapp = "registry.example.com/edxapp:hawthorn.2"
    forum  = "registry.example.com/forum:hawthorn.2"
  }
}

# The same stack with HTTPS, further hostnames, an add-on, and some services tuned.
resource "portal" "globex" {
  name          = "globex"
  domain        = "academy.globex.com"
  studio_domain = "authors.globex.com"
  aliases       = ["learn.globex.com"]
  redirects     = ["www.globex.com"]

  tls = {
    mode = "acme"
    acme = { email = "ops@example.com" }
  }

  images = {
    edxapp = "registry.example.com/edxapp:hawthorn.2"
    forum  = "registry.example.com/forum:hawthorn.2"
    glados = "registry.example.com/glados:1.4"
  }

  addons = ["glados"]

  services = {
    lms = {
      replicas    = 3
      memory      = "2g"
      environment = { GUNICORN_WORKERS = "4" }
    }
    mysql = { image = "mysql:8.4", memory = "4g" }
  }

  # All mail goes through a relay, over TLS, from one address.
  mail = {
    from = "noreply@globex.com"
    relay = {
      host                = "smtp.globex.com"
      username            = "academy"
      password_wo         = var.globex_smtp_password
      password_wo_version = 1
    }
  }

  # On destroy, move the files to .archive on the shared drive.
  on_destroy = "archive"

  timeouts = { create = "45m" }
}

variable "globex_smtp_password" {
  type      = string
  ephemeral = true
}
