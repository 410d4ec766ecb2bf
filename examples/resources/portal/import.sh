# By the portal's name.
terraform import portal.acme acme
