import {
  to = portal_gateway.front
  id = "front"
}
