# Values that are in the file, whoever wrote them, by their paths.
terraform import portal_override.branding 'acme:EDXAPP_PLATFORM_NAME,EDXAPP_FEATURES.ENABLE_MOBILE_REST_API'

# An override that Terraform has made, by its id.
terraform import portal_override.branding acme/1f0c22ab
