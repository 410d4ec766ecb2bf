# terraform apply -invoke=action.portal_restore.yesterday
action "portal_restore" "yesterday" {
  config {
    portal   = portal.acme.name
    snapshot = "4f1c22ab"
  }
}

# The newest backup of acme into another portal: a copy to try things on.
action "portal_restore" "staging" {
  config {
    portal   = portal.staging.name
    from     = portal.acme.name
    schedule = "nightly"
  }
}
