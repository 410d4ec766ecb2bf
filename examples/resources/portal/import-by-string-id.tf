import {
  to = portal.acme
  id = "acme"
}
