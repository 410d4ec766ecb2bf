variable "zone" {
  description = "Zone that the clients' hostnames are in. Names in .localhost lead to your own machine."
  type        = string
  default     = "example.com"
}

variable "images" {
  description = "Image of each role that has no public one. tools/images/build prints stand-ins for all."
  type        = map(string)
  default = {
    edxapp = "registry.example.com/edxapp:hawthorn.2"
    forum  = "registry.example.com/forum:hawthorn.2"
  }
}

variable "storage_path" {
  description = "Directory of the shared drive."
  type        = string
  default     = "/mnt/nfs/portals"
}

variable "http_port" {
  description = "Port of the hosts for HTTP; 80 unless given."
  type        = number
  default     = null
}

variable "https_port" {
  description = "Port of the hosts for HTTPS; 443 unless given."
  type        = number
  default     = null
}

variable "tls" {
  description = "Where certificates come from: those of Let's Encrypt, or { mode = \"internal\" } to try it at home."
  type = object({
    mode = string
    acme = optional(object({
      directory = optional(string)
      email     = optional(string)
      ca        = optional(string)
    }))
  })
  default = { mode = "acme", acme = { email = "ops@example.com" } }
}
