# One portal per client, from one module: a new client is a new line. Each has a port
# of its own, for a proxy in front of them; see examples/gateway for one that comes
# with the provider.

terraform {
  required_providers {
    portal = {
      source = "privateportals/portal"
    }
  }
}

variable "edxapp_image" {
  description = "Open edX image that all clients run, unless a client says otherwise."
  type        = string
  default     = "registry.example.com/edxapp:hawthorn.2"
}

variable "forum_image" {
  description = "Forum image that all clients run."
  type        = string
  default     = "registry.example.com/forum:hawthorn.2"
}

locals {
  # The proxies in front, where TLS ends: what they say of a visitor counts.
  proxies = ["10.0.0.5/32"]

  clients = {
    acme = {
      domain = "learn.acme.com"
      port   = 8081
    }
    globex = {
      domain       = "academy.globex.com"
      port         = 8082
      lms_replicas = 3
    }
    initech = {
      domain       = "courses.initech.com"
      port         = 8083
      edxapp_image = "registry.example.com/edxapp:hawthorn.2-initech"
    }
  }
}

provider "portal" {
  storage = { path = "/mnt/nfs/portals" }
}

module "client" {
  source   = "./modules/client"
  for_each = local.clients

  name         = each.key
  domain       = each.value.domain
  http_port    = each.value.port
  edxapp_image = lookup(each.value, "edxapp_image", var.edxapp_image)
  forum_image  = var.forum_image
  lms_replicas = lookup(each.value, "lms_replicas", 1)

  trusted_proxies = local.proxies
}

output "urls" {
  description = "Where each client's learners and authors go."
  value = {
    for name, client in module.client : name => { learners = client.url, authors = client.studio_url }
  }
}
