terraform {
  required_providers {
    portal = {
      source = "privateportals/portal"
    }
  }
}

variable "docker_tls" {
  description = "Certificates for the host's Docker Engine, as PEM texts."
  type        = object({ ca = string, cert = string, key = string })
  sensitive   = true
}

variable "registry_token" {
  description = "Token that may pull images."
  type        = string
  sensitive   = true
}

provider "portal" {
  hosts = {
    dal-1 = {
      endpoint = "tcp://10.0.0.12:2376"
      tls      = var.docker_tls
    }
  }

  # Mounted at this path on the host.
  storage = { path = "/mnt/nfs/portals" }

  registries = {
    "ghcr.io" = { username = "ci", password = var.registry_token }
  }
}
