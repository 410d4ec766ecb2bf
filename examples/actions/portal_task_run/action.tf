# terraform apply -invoke=action.portal_task_run.reindex
action "portal_task_run" "reindex" {
  config {
    portal  = portal.acme.name
    task    = "reindex"
    timeout = "2h"
  }
}
