// SPDX-License-Identifier: MPL-2.0

package service

import (
	"context"
	"slices"

	"github.com/docker/go-units"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// model is the resource as Terraform has it.
type model struct {
	member.Head
	member.Container
	Healthcheck       types.Object   `tfsdk:"healthcheck"`
	Replicas          types.Int64    `tfsdk:"replicas"`
	Routes            types.List     `tfsdk:"routes"`
	StartAfter        types.Set      `tfsdk:"start_after"`
	Update            types.String   `tfsdk:"update"`
	RestartOnOverride types.Bool     `tfsdk:"restart_on_override"`
	StopGrace         types.String   `tfsdk:"stop_grace"`
	ReadOnly          types.Bool     `tfsdk:"read_only"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
}

// healthcheck is the attribute of that name.
type healthcheck struct {
	Test        types.List   `tfsdk:"test"`
	Interval    types.String `tfsdk:"interval"`
	Timeout     types.String `tfsdk:"timeout"`
	StartPeriod types.String `tfsdk:"start_period"`
	Retries     types.Int64  `tfsdk:"retries"`
}

// route is an element of the attribute routes.
type route struct {
	Host    types.String `tfsdk:"host"`
	Path    types.String `tfsdk:"path"`
	Port    types.Int64  `tfsdk:"port"`
	MaxBody types.String `tfsdk:"max_body"`
}

var (
	healthcheckType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"test":         types.ListType{ElemType: types.StringType},
		"interval":     types.StringType,
		"timeout":      types.StringType,
		"start_period": types.StringType,
		"retries":      types.Int64Type,
	}}
	routeType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"host":     types.StringType,
		"path":     types.StringType,
		"port":     types.Int64Type,
		"max_body": types.StringType,
	}}
)

// known tells whether everything that the service is made from is known.
// secrets are the configured secret files, of which only the paths count.
func (m model) known(ctx context.Context, secrets types.Map) bool {
	return !secrets.IsUnknown() && m.Container.Known(ctx) && member.Known(ctx, m.Portal, m.Name,
		m.Healthcheck, m.Replicas, m.Routes, m.StartAfter, m.Update, m.RestartOnOverride, m.StopGrace, m.ReadOnly)
}

// domain is the configuration in the domain's terms. The model must be known.
func (m model) domain(ctx context.Context, secrets types.Map) (stack.Member, diag.Diagnostics) {
	out := stack.Member{
		Kind:      stack.MemberService,
		Name:      m.Name.ValueString(),
		Replicas:  int(m.Replicas.ValueInt64()),
		Update:    stack.UpdateOrder(m.Update.ValueString()),
		ReadOnly:  m.ReadOnly.ValueBool(),
		StopGrace: member.Duration(m.StopGrace),
	}
	diags := m.AddTo(ctx, &out)
	m.AddGiven(&out, secrets)
	if m.RestartOnOverride.ValueBool() {
		out.RestartOn = []string{stack.RestartOnOverrides}
	}
	if len(m.StartAfter.Elements()) > 0 {
		diags.Append(m.StartAfter.ElementsAs(ctx, &out.DependsOn, false)...)
		slices.Sort(out.DependsOn)
	}
	if !m.Healthcheck.IsNull() {
		var h healthcheck
		diags.Append(m.Healthcheck.As(ctx, &h, basetypes.ObjectAsOptions{})...)
		out.Healthcheck = h.domain(ctx, &diags)
	}
	if len(m.Routes.Elements()) > 0 {
		var routes []route
		diags.Append(m.Routes.ElementsAs(ctx, &routes, false)...)
		for i, r := range routes {
			out.Routes = append(out.Routes, r.domain(path.Root("routes").AtListIndex(i), &diags))
		}
	}
	return out, diags
}

func (h healthcheck) domain(ctx context.Context, diags *diag.Diagnostics) *stack.Healthcheck {
	return &stack.Healthcheck{
		Test:        member.Strings(ctx, h.Test, diags),
		Interval:    member.Duration(h.Interval),
		Timeout:     member.Duration(h.Timeout),
		StartPeriod: member.Duration(h.StartPeriod),
		Retries:     int(h.Retries.ValueInt64()),
	}
}

func (r route) domain(at path.Path, diags *diag.Diagnostics) stack.Route {
	out := stack.Route{Host: r.Host.ValueString(), Path: r.Path.ValueString(), Port: int(r.Port.ValueInt64())}
	if !r.MaxBody.IsNull() {
		bytes, err := units.RAMInBytes(r.MaxBody.ValueString())
		if err != nil {
			diags.AddAttributeError(at.AtName("max_body"), "Invalid value for max_body", err.Error())
		}
		out.MaxBody = bytes
	}
	return out
}

// setMember fills the configuration from the domain's terms, as an import needs
// it: what is empty becomes null, as if it had never been written, or the
// default.
func (m *model) setMember(ctx context.Context, portal string, s stack.Member) diag.Diagnostics {
	m.Portal = types.StringValue(portal)
	m.Name = types.StringValue(s.Name)
	m.Replicas = types.Int64Value(int64(max(s.Replicas, 1)))
	m.Update = member.TextOrNull(string(s.Update))
	m.RestartOnOverride = types.BoolValue(slices.Contains(s.RestartOn, stack.RestartOnOverrides))
	m.StopGrace = member.DurationOrNull(s.StopGrace)
	m.ReadOnly = types.BoolValue(s.ReadOnly)
	m.Timeouts = member.NoTimeouts()

	diags := m.SetFrom(ctx, s)
	m.StartAfter = types.SetNull(types.StringType)
	if len(s.DependsOn) > 0 {
		value, d := types.SetValueFrom(ctx, types.StringType, s.DependsOn)
		diags.Append(d...)
		m.StartAfter = value
	}
	m.Healthcheck = types.ObjectNull(healthcheckType.AttrTypes)
	if s.Healthcheck != nil {
		value, d := types.ObjectValueFrom(ctx, healthcheckType.AttrTypes, healthcheckOf(ctx, *s.Healthcheck, &diags))
		diags.Append(d...)
		m.Healthcheck = value
	}
	m.Routes = types.ListNull(routeType)
	if len(s.Routes) > 0 {
		routes := make([]route, len(s.Routes))
		for i, r := range s.Routes {
			routes[i] = routeOf(r)
		}
		value, d := types.ListValueFrom(ctx, routeType, routes)
		diags.Append(d...)
		m.Routes = value
	}
	return diags
}

func healthcheckOf(ctx context.Context, h stack.Healthcheck, diags *diag.Diagnostics) healthcheck {
	out := healthcheck{
		Test:        member.ListOrNull(ctx, h.Test, diags),
		Interval:    member.DurationOrNull(h.Interval),
		Timeout:     member.DurationOrNull(h.Timeout),
		StartPeriod: member.DurationOrNull(h.StartPeriod),
		Retries:     types.Int64Null(),
	}
	if h.Retries != 0 {
		out.Retries = types.Int64Value(int64(h.Retries))
	}
	return out
}

func routeOf(r stack.Route) route {
	out := route{
		Host:    types.StringValue(r.Host),
		Path:    types.StringValue(r.Path),
		Port:    types.Int64Value(int64(r.Port)),
		MaxBody: types.StringNull(),
	}
	if r.MaxBody != 0 {
		out.MaxBody = types.StringValue(validate.Amount(r.MaxBody))
	}
	return out
}
