module github.com/privateportals/terraform-provider-portal/tools/images/elasticsearch

go 1.26
