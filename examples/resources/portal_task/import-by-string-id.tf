import {
  to = portal_task.report
  id = "acme/report"
}
