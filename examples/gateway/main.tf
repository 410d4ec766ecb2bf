# Many portals behind one address: a gateway, and one portal per line of a map.

terraform {
  required_providers {
    portal = {
      source = "privateportals/portal"
    }
  }
}

locals {
  # A new client is a new entry. Everything but the domain is optional.
  clients = {
    acme = {
      domain    = "learn.acme.${var.zone}"
      aliases   = ["academy.acme.${var.zone}"]
      redirects = ["www.acme.${var.zone}"]
    }
    globex = {
      domain        = "academy.globex.${var.zone}"
      studio_domain = "authors.globex.${var.zone}"
      lms_replicas  = 2
    }
    initech = {
      domain = "courses.initech.${var.zone}"
    }
  }
}

provider "portal" {
  storage = { path = var.storage_path }
}

resource "portal_gateway" "front" {
  name       = "front"
  image      = lookup(var.images, "load-balancer", null)
  http_port  = var.http_port
  https_port = var.https_port
  tls        = var.tls
}

module "client" {
  source   = "./modules/client"
  for_each = local.clients

  name          = each.key
  domain        = each.value.domain
  studio_domain = lookup(each.value, "studio_domain", null)
  aliases       = lookup(each.value, "aliases", null)
  redirects     = lookup(each.value, "redirects", null)
  lms_replicas  = lookup(each.value, "lms_replicas", 1)
  images        = var.images

  # By reference, so that the gateway is there before the portals, and goes after
  # them.
  gateway = portal_gateway.front.name
}

# Said by every plan and apply, long before visitors see it. Renewal is tried when
# a third of a certificate's time is left: 30 days of 90. Those of mode "internal"
# last hours, so there a certificate must only be there.
check "certificates" {
  assert {
    condition = alltrue([
      for certificate in values(coalesce(portal_gateway.front.certificates, {})) :
      certificate.status == "valid" && (
        var.tls.mode == "internal" || try(timecmp(certificate.expires, timeadd(plantimestamp(), "504h")) > 0, false)
      )
    ])
    error_message = "A certificate is missing or expires within three weeks: terraform state show portal_gateway.front, docker logs front-gateway-1."
  }
}
