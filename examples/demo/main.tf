# A whole portal on one Docker host, with the built-in blueprint and the demo
# images: `make demo` builds those and applies this.

terraform {
  required_providers {
    portal = {
      source = "privateportals/portal"
    }
  }
}

variable "images" {
  description = "Images by role of the blueprint; tools/images/build prints them."
  type        = map(string)
}

variable "storage_path" {
  description = "Directory that stands for the shared drive."
  type        = string
  default     = "/srv/portals"
}

variable "http_port" {
  description = "Port of the host that the portal is published on."
  type        = number
  default     = 8080
}

variable "lms_replicas" {
  description = "Number of containers that serve the lms."
  type        = number
  default     = 1
}

provider "portal" {
  storage = { path = var.storage_path }
}

resource "portal" "acme" {
  name      = "acme"
  domain    = "learn.acme.localhost"
  http_port = var.http_port
  images    = var.images
  addons    = ["glados", "companion-cube", "compete", "learner-support", "lp-certs"]

  services = {
    lms = { replicas = var.lms_replicas }
  }
}

output "url" {
  value = portal.acme.url
}

output "studio_url" {
  value = portal.acme.studio_url
}

output "stack" {
  description = "The stack as a table."
  value = join("", [
    for name, service in portal.acme.stack :
    format("  %-20s %d  %-8s %s\n", name, service.replicas, service.status, service.image)
  ])
}
