# By the portal's name and that of the service.
terraform import portal_service.chat acme/chat
