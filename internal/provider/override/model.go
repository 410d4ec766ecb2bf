// SPDX-License-Identifier: MPL-2.0

package override

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
)

// model is the resource as Terraform has it.
type model struct {
	ID                    types.String   `tfsdk:"id"`
	Portal                types.String   `tfsdk:"portal"`
	Values                types.Dynamic  `tfsdk:"values"`
	SecretValuesWO        types.Dynamic  `tfsdk:"secret_values_wo"`
	SecretValuesWOVersion types.Int64    `tfsdk:"secret_values_wo_version"`
	Adopt                 types.Bool     `tfsdk:"adopt"`
	Timeouts              timeouts.Value `tfsdk:"timeouts"`
	Status                types.String   `tfsdk:"status"`
	Secrets               types.Map      `tfsdk:"secrets"`
}

// complete plans what is computed: an apply leaves nothing to do. secrets are
// the configured ones, which a plan itself does not hold.
func (m *model) complete(secrets types.Dynamic) diag.Diagnostics {
	m.Status = types.StringValue(deploy.OverrideApplied)
	decoded, err := decode(secrets)
	if err != nil {
		return invalid("secret_values_wo", err)
	}
	m.Secrets = plannedSecrets(decoded)
	return nil
}

// plannedSecrets says of each secret that it is set. It is unknown while it is
// not known which there are.
func plannedSecrets(decoded any) types.Map {
	if _, later := decoded.(unknown); later {
		return types.MapUnknown(types.StringType)
	}
	set := map[string]attr.Value{}
	for _, l := range leaves(decoded) {
		if l.open {
			return types.MapUnknown(types.StringType)
		}
		set[l.path.String()] = types.StringValue(deploy.SecretSet)
	}
	return types.MapValueMust(types.StringType, set)
}

// override is the planned model in the domain's terms, with the configured
// secrets. prior is the state, nil at create. Secrets are written when there
// is a reason to: those from an ephemeral resource are others in every run.
func (m *model) override(secrets types.Dynamic, prior *model) (deploy.Override, diag.Diagnostics) {
	o := deploy.Override{
		Portal: m.Portal.ValueString(),
		Adopt:  m.Adopt.ValueBool(),
	}
	// What was unknown at plan time was not validated yet.
	known := *m
	known.SecretValuesWO = secrets
	diags := known.check()
	var err error
	if o.Values, err = decodeTop(m.Values); err != nil {
		diags.Append(invalid("values", err)...)
	}
	if o.Secrets, err = decodeTop(secrets); err != nil {
		diags.Append(invalid("secret_values_wo", err)...)
	}
	if diags.HasError() {
		return o, diags
	}
	set := plannedSecrets(o.Secrets)
	if !m.Secrets.IsUnknown() && !m.Secrets.Equal(set) {
		diags.AddAttributeError(path.Root("secret_values_wo"), "Other secrets than planned",
			"secret_values_wo has other keys now than when it was planned. Plan again.")
		return o, diags
	}
	m.Secrets = set
	if prior == nil {
		o.SecretsSet = true
		return o, diags
	}
	o.ID = prior.ID.ValueString()
	o.SecretsSet = !m.SecretValuesWOVersion.Equal(prior.SecretValuesWOVersion) || !set.Equal(prior.Secrets)
	if !o.SecretsSet {
		o.Secrets = nil
	}
	return o, diags
}

// settle turns a plan that was carried out into a state.
func (m *model) settle(result deploy.OverrideState) {
	m.ID = types.StringValue(result.ID)
	m.SecretValuesWO = types.DynamicNull()
}

// observe turns a state into what was found in the file.
func (m *model) observe(ctx context.Context, result deploy.OverrideState) {
	m.ID = types.StringValue(result.ID)
	m.Portal = types.StringValue(result.Portal)
	m.Status = types.StringValue(result.Status)
	m.SecretValuesWO = types.DynamicNull()

	secrets := make(map[string]attr.Value, len(result.Secrets))
	for at, what := range result.Secrets {
		secrets[at] = types.StringValue(what)
	}
	m.Secrets = types.MapValueMust(types.StringType, secrets)

	if isNull(m.Values) && len(result.Values) == 0 {
		return
	}
	values := result.Values
	if values == nil {
		values = map[string]any{}
	}
	m.Values = types.DynamicValue(found(ctx, m.Values, values))
}

// importedModel is the state of an override that was found on the drive.
func importedModel(ctx context.Context, result deploy.OverrideState) model {
	m := model{
		Values:   types.DynamicNull(),
		Adopt:    types.BoolValue(false),
		Timeouts: noTimeouts(),
	}
	m.observe(ctx, result)
	return m
}

func noTimeouts() timeouts.Value {
	return timeouts.Value{Object: types.ObjectNull(map[string]attr.Type{
		"create": types.StringType,
		"read":   types.StringType,
		"update": types.StringType,
		"delete": types.StringType,
	})}
}

func invalid(attribute string, err error) diag.Diagnostics {
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root(attribute),
		"Invalid value for "+attribute, fmt.Sprintf("%s: %s.", attribute, err))}
}

// portalOf is the portal that an id is of: "acme/1f0c22ab", or for an import
// also "acme:EDXAPP_PLATFORM_NAME".
func portalOf(id string) string {
	if end := strings.IndexAny(id, "/:"); end >= 0 {
		return id[:end]
	}
	return id
}

// setIdentity fills in what tells one override from another. Terraform versions
// without identities ask for none.
func setIdentity(ctx context.Context, identity *tfsdk.ResourceIdentity, id string) diag.Diagnostics {
	if identity == nil {
		return nil
	}
	return identity.SetAttribute(ctx, path.Root("id"), id)
}
