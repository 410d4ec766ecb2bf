// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
	"github.com/privateportals/terraform-provider-portal/internal/provider/values"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// model is the resource as Terraform has it.
type model struct {
	ID           types.String   `tfsdk:"id"`
	Name         types.String   `tfsdk:"name"`
	Domain       types.String   `tfsdk:"domain"`
	StudioDomain types.String   `tfsdk:"studio_domain"`
	Aliases      types.Set      `tfsdk:"aliases"`
	Redirects    types.Set      `tfsdk:"redirects"`
	Blueprint    types.String   `tfsdk:"blueprint"`
	Images       types.Map      `tfsdk:"images"`
	Addons       types.Set      `tfsdk:"addons"`
	Services     types.Map      `tfsdk:"services"`
	HTTPPort     types.Int64    `tfsdk:"http_port"`
	HTTPSPort    types.Int64    `tfsdk:"https_port"`
	TLS          types.Object   `tfsdk:"tls"`
	Proxies      types.Set      `tfsdk:"trusted_proxies"`
	Gateway      types.String   `tfsdk:"gateway"`
	Maintenance  types.Bool     `tfsdk:"maintenance"`
	Mail         types.Object   `tfsdk:"mail"`
	OnDestroy    types.String   `tfsdk:"on_destroy"`
	Timeouts     timeouts.Value `tfsdk:"timeouts"`
	Host         types.String   `tfsdk:"host"`
	Constraints  types.List     `tfsdk:"constraints"`
	Placement    types.String   `tfsdk:"placement"`
	Addresses    types.List     `tfsdk:"addresses"`
	Directory    types.String   `tfsdk:"directory"`
	URL          types.String   `tfsdk:"url"`
	StudioURL    types.String   `tfsdk:"studio_url"`
	Hostnames    types.Set      `tfsdk:"hostnames"`
	Certificates types.Map      `tfsdk:"certificates"`
	Stack        types.Map      `tfsdk:"stack"`
}

// tuning is an element of the attribute services.
type tuning struct {
	Image       types.String  `tfsdk:"image"`
	Replicas    types.Int64   `tfsdk:"replicas"`
	Memory      types.String  `tfsdk:"memory"`
	CPUs        types.Float64 `tfsdk:"cpus"`
	Environment types.Map     `tfsdk:"environment"`
}

// summary is an element of the attribute stack.
type summary struct {
	Image    types.String `tfsdk:"image"`
	Replicas types.Int64  `tfsdk:"replicas"`
	Digest   types.String `tfsdk:"digest"`
	Status   types.String `tfsdk:"status"`
}

var (
	tuningType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"image":       types.StringType,
		"replicas":    types.Int64Type,
		"memory":      types.StringType,
		"cpus":        types.Float64Type,
		"environment": types.MapType{ElemType: types.StringType},
	}}
	summaryType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"image":    types.StringType,
		"replicas": types.Int64Type,
		"digest":   types.StringType,
		"status":   types.StringType,
	}}
)

// known tells whether everything that the stack is made from is known.
func (m model) known(ctx context.Context) bool {
	values := []attr.Value{
		m.Name, m.Domain, m.StudioDomain, m.Blueprint, m.Images, m.Addons, m.Services, m.HTTPPort, m.OnDestroy,
		m.Aliases, m.Redirects, m.HTTPSPort, m.TLS, m.Proxies, m.Gateway, m.Maintenance, m.Mail, m.Constraints,
	}
	return !slices.ContainsFunc(values, func(v attr.Value) bool {
		tf, err := v.ToTerraformValue(ctx)
		return err != nil || !tf.IsFullyKnown()
	})
}

// spec is the configuration in the domain's terms. The model must be known.
func (m model) spec(ctx context.Context) (stack.Spec, diag.Diagnostics) {
	spec := stack.Spec{
		Name:         m.Name.ValueString(),
		Domain:       m.Domain.ValueString(),
		StudioDomain: m.StudioDomain.ValueString(),
		Blueprint:    m.Blueprint.ValueString(),
		OnDestroy:    stack.OnDestroy(m.OnDestroy.ValueString()),
	}
	var diags diag.Diagnostics
	if len(m.Images.Elements()) > 0 {
		diags.Append(m.Images.ElementsAs(ctx, &spec.Images, false)...)
	}
	spec.Addons = values.Sorted(ctx, m.Addons, &diags)
	if len(m.Constraints.Elements()) > 0 {
		diags.Append(m.Constraints.ElementsAs(ctx, &spec.Constraints, false)...)
	}
	diags.Append(m.addEntrance(ctx, &spec)...)
	if len(m.Services.Elements()) > 0 {
		var services map[string]tuning
		diags.Append(m.Services.ElementsAs(ctx, &services, false)...)
		spec.Services = make(map[string]stack.Tuning, len(services))
		for name, t := range services {
			tuned, d := t.spec(ctx)
			diags.Append(d...)
			spec.Services[name] = tuned
		}
	}
	mail, d := decodeMail(ctx, m.Mail)
	diags.Append(d...)
	spec.Mail = mail.spec()
	return spec, diags
}

func (t tuning) spec(ctx context.Context) (stack.Tuning, diag.Diagnostics) {
	out := stack.Tuning{Image: t.Image.ValueString(), CPUs: t.CPUs.ValueFloat64()}
	if !t.Replicas.IsNull() {
		n := int(t.Replicas.ValueInt64())
		out.Replicas = &n
	}
	var diags diag.Diagnostics
	if !t.Memory.IsNull() {
		bytes, err := validate.Bytes(t.Memory.ValueString())
		if err != nil {
			diags.AddError("Invalid amount of memory", err.Error())
		}
		out.Memory = bytes
	}
	if len(t.Environment.Elements()) > 0 {
		diags.Append(t.Environment.ElementsAs(ctx, &out.Environment, false)...)
	}
	return out, diags
}

// setSpec fills the configuration from the domain's terms, as an import needs
// it: what is empty becomes null, as if it had never been written.
func (m *model) setSpec(ctx context.Context, spec stack.Spec) diag.Diagnostics {
	var diags diag.Diagnostics
	m.ID = types.StringValue(spec.Name)
	m.Name = types.StringValue(spec.Name)
	m.Domain = types.StringValue(spec.Domain)
	m.StudioDomain = types.StringValue(spec.StudioDomain)
	m.Blueprint = textOrNull(spec.Blueprint)
	m.OnDestroy = types.StringValue(string(spec.OnDestroy))
	if spec.OnDestroy == "" {
		m.OnDestroy = types.StringValue(string(stack.Retain))
	}
	m.Images = stringsOrNull(ctx, spec.Images, &diags)
	m.Addons = values.SetOrNull(ctx, spec.Addons, &diags)
	m.Constraints = types.ListNull(types.StringType)
	if len(spec.Constraints) > 0 {
		value, d := types.ListValueFrom(ctx, types.StringType, spec.Constraints)
		diags.Append(d...)
		m.Constraints = value
	}
	m.setEntrance(ctx, spec, &diags)
	m.Services = types.MapNull(tuningType)
	if len(spec.Services) > 0 {
		services := make(map[string]tuning, len(spec.Services))
		for name, t := range spec.Services {
			services[name] = tuningOf(ctx, t, &diags)
		}
		value, d := types.MapValueFrom(ctx, tuningType, services)
		diags.Append(d...)
		m.Services = value
	}
	mail, d := mailOf(ctx, spec.Mail)
	diags.Append(d...)
	m.Mail = mail
	return diags
}

func tuningOf(ctx context.Context, t stack.Tuning, diags *diag.Diagnostics) tuning {
	out := tuning{
		Image:       textOrNull(t.Image),
		Replicas:    types.Int64Null(),
		Memory:      types.StringNull(),
		CPUs:        types.Float64Null(),
		Environment: stringsOrNull(ctx, t.Environment, diags),
	}
	if t.Replicas != nil {
		out.Replicas = types.Int64Value(int64(*t.Replicas))
	}
	if t.Memory != 0 {
		out.Memory = types.StringValue(validate.Amount(t.Memory))
	}
	if t.CPUs != 0 {
		out.CPUs = types.Float64Value(t.CPUs)
	}
	return out
}

// stackValue is the attribute stack.
func stackValue(ctx context.Context, services map[string]stack.Summary) (types.Map, diag.Diagnostics) {
	out := make(map[string]summary, len(services))
	for name, s := range services {
		out[name] = summary{
			Image:    types.StringValue(s.Image),
			Replicas: types.Int64Value(int64(s.Replicas)),
			Digest:   types.StringValue(s.Digest),
			Status:   types.StringValue(s.Status),
		}
	}
	return types.MapValueFrom(ctx, summaryType, out)
}

func textOrNull(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}

func stringsOrNull(ctx context.Context, in map[string]string, diags *diag.Diagnostics) types.Map {
	if len(in) == 0 {
		return types.MapNull(types.StringType)
	}
	value, d := types.MapValueFrom(ctx, types.StringType, in)
	diags.Append(d...)
	return value
}
