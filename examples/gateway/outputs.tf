output "urls" {
  description = "Where each client's learners and authors go."
  value = {
    for name, client in module.client : name => { learners = client.url, authors = client.studio_url }
  }
}

output "addresses" {
  description = "Where all hostnames lead: address of the provider's hosts, or none if that is not set there."
  value       = portal_gateway.front.addresses
}

output "dns_records" {
  description = "One record per hostname and address, for the for_each of a DNS provider's resource. Hostnames are known in the plan."
  value = {
    for hostname in flatten([for client in module.client : client.hostnames]) :
    hostname => portal_gateway.front.addresses
  }
}
