# What all clients have in common.

terraform {
  required_providers {
    portal = {
      source = "privateportals/portal"
    }
  }
}

variable "name" {
  description = "Name of the portal."
  type        = string
}

variable "domain" {
  description = "Hostname that the client's learners use."
  type        = string
}

variable "http_port" {
  description = "Port of the host, for the proxy in front of it."
  type        = number
}

variable "trusted_proxies" {
  description = "Networks of the proxies in front, where TLS ends."
  type        = set(string)
}

variable "edxapp_image" {
  description = "Open edX image."
  type        = string
}

variable "forum_image" {
  description = "Forum image."
  type        = string
}

variable "lms_replicas" {
  description = "Number of containers that serve the lms."
  type        = number
  default     = 1
}

resource "portal" "this" {
  name      = var.name
  domain    = var.domain
  http_port = var.http_port

  trusted_proxies = var.trusted_proxies

  images = {
    edxapp = var.edxapp_image
    forum  = var.forum_image
  }

  services = {
    lms = { replicas = var.lms_replicas, memory = "2g" }
    cms = { memory = "2g" }
  }

  on_destroy = "archive"

  lifecycle {
    # A client's portal is not taken down by a slip of the pen.
    prevent_destroy = true
  }
}

output "url" {
  value = portal.this.url
}

output "studio_url" {
  value = portal.this.studio_url
}
