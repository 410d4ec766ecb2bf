# DNS records for dozens of portals, kept by the same apply that makes them.
#
# A portal tells its `hostnames` (learners, authors, aliases) and the `addresses`
# at which its visitors reach it. Any DNS provider can be fed with these; this one
# updates a name server by RFC 2136.

terraform {
  required_providers {
    portal = {
      source = "privateportals/portal"
    }
    dns = {
      source = "hashicorp/dns"
    }
  }
}

variable "zone" {
  description = "Zone that all hostnames are in."
  type        = string
  default     = "portals.example.com"
}

variable "images" {
  description = "Image of each role that has no public one."
  type        = map(string)
  default = {
    edxapp = "registry.example.com/edxapp:hawthorn.2"
    forum  = "registry.example.com/forum:hawthorn.2"
  }
}

provider "portal" {
  hosts = {
    # Terraform reaches this host at a private address, visitors at a public one.
    dal-1 = { endpoint = "tcp://10.0.0.12:2376", address = "203.0.113.12" }
    dal-2 = { endpoint = "tcp://10.0.0.13:2376", address = "203.0.113.13" }
  }
  storage = { path = "/mnt/nfs/portals" }
}

provider "dns" {
  update {
    server = "192.0.2.53"
  }
}

resource "portal" "client" {
  for_each = toset(["acme", "globex", "initech"])

  name   = each.key
  domain = "${each.key}.${var.zone}"
  images = var.images
}

locals {
  # Which portal each hostname belongs to. Hostnames are known in the plan, and may
  # be the keys of a for_each; addresses are known once a host was chosen, and may not.
  portal_of = merge([
    for name, portal in portal.client : { for hostname in portal.hostnames : hostname => name }
  ]...)
}

resource "dns_a_record_set" "portal" {
  for_each = local.portal_of

  zone = "${var.zone}."
  name = trimsuffix(each.key, ".${var.zone}")
  ttl  = 300

  # An address may also be IPv6, for a dns_aaaa_record_set, or a hostname, for a
  # dns_cname_record. cidrnetmask takes IPv4 alone.
  addresses = [
    for address in portal.client[each.value].addresses : address if can(cidrnetmask("${address}/32"))
  ]
}

output "records" {
  description = "The same as plain data, for a DNS provider that is fed by other means."
  value = {
    for hostname, name in local.portal_of : hostname => portal.client[name].addresses
  }
}
