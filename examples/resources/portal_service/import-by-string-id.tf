import {
  to = portal_service.chat
  id = "acme/chat"
}
