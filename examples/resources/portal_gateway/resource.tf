# One address for all portals of the pool, with certificates of Let's Encrypt.
resource "portal_gateway" "front" {
  name = "front"

  tls = {
    mode = "acme"
    acme = { email = "ops@example.com" }
  }
}

# Portals behind it publish no port and have no certificates of their own.
resource "portal" "client" {
  for_each = {
    acme   = "learn.acme.com"
    globex = "academy.globex.com"
  }

  name    = each.key
  domain  = each.value
  gateway = portal_gateway.front.name

  images = {
    edxapp = "registry.example.com/edxapp:hawthorn.2"
    forum  = "registry.example.com/forum:hawthorn.2"
  }
}

# A second gateway, for colleagues: on one host, at other ports, with
# certificates of the company's own authority.
resource "portal_gateway" "staff" {
  name       = "staff"
  hosts      = ["dal-1"]
  http_port  = 8080
  https_port = 8443
  relay_port = 7444

  tls = {
    mode = "acme"
    acme = {
      directory = "https://ca.example.internal/acme/acme/directory"
      ca        = file("${path.module}/company-ca.pem")
    }
  }
}
