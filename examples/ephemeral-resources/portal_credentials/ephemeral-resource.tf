ephemeral "portal_credentials" "acme" {
  portal = "acme"
}

# Put the password of the portal's administrator where the client finds it.
resource "aws_secretsmanager_secret_version" "admin" {
  secret_id                = aws_secretsmanager_secret.acme_admin.id
  secret_string_wo         = ephemeral.portal_credentials.acme.values["admin-password"]
  secret_string_wo_version = 1
}
