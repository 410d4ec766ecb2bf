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

variable "studio_domain" {
  description = "Hostname that the client's authors use; studio. before the domain unless given."
  type        = string
  default     = null
}

variable "aliases" {
  description = "Further hostnames that learners use."
  type        = set(string)
  default     = null
}

variable "redirects" {
  description = "Hostnames that lead on to the domain."
  type        = set(string)
  default     = null
}

variable "gateway" {
  description = "Name of the gateway that the portal is behind."
  type        = string
}

variable "images" {
  description = "Images by role."
  type        = map(string)
}

variable "lms_replicas" {
  description = "Number of containers that serve the lms."
  type        = number
  default     = 1
}

resource "portal" "this" {
  name          = var.name
  domain        = var.domain
  studio_domain = var.studio_domain
  aliases       = var.aliases
  redirects     = var.redirects
  gateway       = var.gateway
  images        = var.images

  services = {
    lms = { replicas = var.lms_replicas }
  }

  on_destroy = "archive"
}

output "url" {
  value = portal.this.url
}

output "studio_url" {
  value = portal.this.studio_url
}

output "hostnames" {
  value = portal.this.hostnames
}
