data "portal_portals" "all" {}

# Which portal runs on which host.
output "hosts" {
  value = { for name, portal in data.portal_portals.all.portals : name => portal.host }
}
