data "portal" "acme" {
  name = "acme"
}

# Services and tasks that are not as they should be, with what is wrong.
output "acme_faults" {
  value = {
    for name, service in data.portal.acme.stack : name => service.status
    if !contains(["running", "ready"], service.status)
  }
}
