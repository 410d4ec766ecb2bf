# By the gateway's name.
terraform import portal_gateway.front front
