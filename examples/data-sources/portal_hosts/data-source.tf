data "portal_hosts" "all" {}

# Hosts that do not answer, with the reason.
output "unreachable" {
  value = { for name, host in data.portal_hosts.all.hosts : name => host.error if !host.reachable }
}

# Memory that is not reserved yet, in GiB, and the portals on each host.
output "room" {
  value = {
    for name, host in data.portal_hosts.all.hosts : name => {
      free    = floor((host.memory - host.memory_reserved) / pow(1024, 3))
      portals = host.portals
    } if host.reachable
  }
}
