// SPDX-License-Identifier: MPL-2.0

package credentials

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// vault is a deployer that has the secrets of some portals.
type vault struct {
	client.Deployer
	secrets map[string]map[string]string
}

func (v vault) Credentials(_ context.Context, portal string) (map[string]string, error) {
	if v.secrets[portal] == nil {
		return nil, fmt.Errorf("there is no portal %q", portal)
	}
	return v.secrets[portal], nil
}

// testProvider serves the ephemeral resource over a given client.
type testProvider struct{ client *client.Client }

func (testProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "portal"
}

func (testProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{}
}

func (p testProvider) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	resp.EphemeralResourceData = p.client
}

func (testProvider) Resources(context.Context) []func() resource.Resource { return nil }

func (testProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (testProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{NewEphemeralResource}
}
