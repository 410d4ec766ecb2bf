// SPDX-License-Identifier: MPL-2.0

package membertest

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/portal"
)

// testProvider serves resources over a deployer that tests may exchange.
type testProvider struct {
	deployer  *client.Deployer
	resources []func() resource.Resource
}

// Serve makes provider factories for the resource portal and others, over a
// deployer. The deployer may be exchanged between steps; nil stands for hosts
// that are not known yet.
func Serve(d *client.Deployer, resources ...func() resource.Resource) map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"portal": providerserver.NewProtocol6WithError(testProvider{d, append(resources, portal.NewResource)}),
	}
}

func (testProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "portal"
}

func (testProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{}
}

// Configure makes a client of its own for each run of Terraform, as the real
// provider does.
func (p testProvider) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	resp.ResourceData = &client.Client{Deployer: *p.deployer, StoragePath: "/srv/portals"}
}

func (p testProvider) Resources(context.Context) []func() resource.Resource { return p.resources }

func (testProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

// ExpectCalls asserts what was changed since the last time.
func (d *Deployer) ExpectCalls(want ...string) func(*terraform.State) error {
	return func(*terraform.State) error {
		if got := d.Calls(); !slices.Equal(got, want) {
			return fmt.Errorf("calls %q instead of %q", got, want)
		}
		return nil
	}
}

// Portal is a configuration with a portal acme of the blueprint of this package,
// seen from a folder beside it.
const Portal = `
resource "portal" "acme" {
  name      = "acme"
  domain    = "learn.acme.test"
  blueprint = "../member/membertest/blueprint"
}
`
