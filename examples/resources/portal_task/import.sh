# By the portal's name and that of the task.
terraform import portal_task.report acme/report
