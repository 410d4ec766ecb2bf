// SPDX-License-Identifier: MPL-2.0

package member

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Container is what services and tasks of the user's own say of their
// containers.
type Container struct {
	Image                types.String  `tfsdk:"image"`
	Entrypoint           types.List    `tfsdk:"entrypoint"`
	Command              types.List    `tfsdk:"command"`
	Environment          types.Map     `tfsdk:"environment"`
	User                 types.String  `tfsdk:"user"`
	WorkingDir           types.String  `tfsdk:"working_dir"`
	Volumes              types.Map     `tfsdk:"volumes"`
	SecretFiles          types.Map     `tfsdk:"secret_files"`
	SecretFilesWO        types.Map     `tfsdk:"secret_files_wo"`
	SecretFilesWOVersion types.Int64   `tfsdk:"secret_files_wo_version"`
	Memory               types.String  `tfsdk:"memory"`
	CPUs                 types.Float64 `tfsdk:"cpus"`
}

// volume is an element of the attribute volumes.
type volume struct {
	Name     types.String `tfsdk:"name"`
	ReadOnly types.Bool   `tfsdk:"read_only"`
}

var volumeType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"name":      types.StringType,
	"read_only": types.BoolType,
}}

// Known tells whether values are known, down to their innermost parts.
func Known(ctx context.Context, values ...attr.Value) bool {
	return !slices.ContainsFunc(values, func(v attr.Value) bool {
		tf, err := v.ToTerraformValue(ctx)
		return err != nil || !tf.IsFullyKnown()
	})
}

// Known tells whether everything that the containers are made from is known.
// Contents of given secrets are no part of that.
func (c Container) Known(ctx context.Context) bool {
	return Known(ctx, c.Image, c.Entrypoint, c.Command, c.Environment, c.User, c.WorkingDir, c.Volumes,
		c.SecretFiles, c.SecretFilesWOVersion, c.Memory, c.CPUs)
}

// AddTo puts the attributes into a member. They must be known.
func (c Container) AddTo(ctx context.Context, m *stack.Member) diag.Diagnostics {
	m.Image = c.Image.ValueString()
	m.User = c.User.ValueString()
	m.WorkingDir = c.WorkingDir.ValueString()
	m.Resources.CPUs = c.CPUs.ValueFloat64()
	var diags diag.Diagnostics
	m.Entrypoint = Strings(ctx, c.Entrypoint, &diags)
	m.Command = Strings(ctx, c.Command, &diags)
	if len(c.Environment.Elements()) > 0 {
		diags.Append(c.Environment.ElementsAs(ctx, &m.Environment, false)...)
	}
	if len(c.SecretFiles.Elements()) > 0 {
		diags.Append(c.SecretFiles.ElementsAs(ctx, &m.SecretFiles, false)...)
	}
	if len(c.Volumes.Elements()) > 0 {
		var volumes map[string]volume
		diags.Append(c.Volumes.ElementsAs(ctx, &volumes, false)...)
		m.Volumes = make(map[string]stack.MemberVolume, len(volumes))
		for target, v := range volumes {
			m.Volumes[target] = stack.MemberVolume{Name: v.Name.ValueString(), ReadOnly: v.ReadOnly.ValueBool()}
		}
	}
	if !c.Memory.IsNull() {
		bytes, err := validate.Bytes(c.Memory.ValueString())
		if err != nil {
			diags.AddAttributeError(path.Root("memory"), "Invalid value for memory", err.Error())
		}
		m.Resources.Memory = bytes
	}
	return diags
}

// SetFrom fills the attributes from a member, as an import needs it: what is
// empty becomes null, as if it had never been written.
func (c *Container) SetFrom(ctx context.Context, m stack.Member) diag.Diagnostics {
	var diags diag.Diagnostics
	c.Image = TextOrNull(m.Image)
	c.Entrypoint = ListOrNull(ctx, m.Entrypoint, &diags)
	c.Command = ListOrNull(ctx, m.Command, &diags)
	c.Environment = MapOrNull(ctx, m.Environment, &diags)
	c.User = TextOrNull(m.User)
	c.WorkingDir = TextOrNull(m.WorkingDir)
	c.SecretFiles = MapOrNull(ctx, m.SecretFiles, &diags)
	c.SecretFilesWO = types.MapNull(types.StringType)
	c.SecretFilesWOVersion = VersionOf(slices.Collect(maps.Values(m.GivenSecrets))...)
	c.Volumes = types.MapNull(volumeType)
	if len(m.Volumes) > 0 {
		volumes := make(map[string]volume, len(m.Volumes))
		for target, v := range m.Volumes {
			volumes[target] = volume{Name: types.StringValue(v.Name), ReadOnly: types.BoolValue(v.ReadOnly)}
		}
		value, d := types.MapValueFrom(ctx, volumeType, volumes)
		diags.Append(d...)
		c.Volumes = value
	}
	c.Memory = types.StringNull()
	if m.Resources.Memory != 0 {
		c.Memory = types.StringValue(validate.Amount(m.Resources.Memory))
	}
	c.CPUs = types.Float64Null()
	if m.Resources.CPUs != 0 {
		c.CPUs = types.Float64Value(m.Resources.CPUs)
	}
	return diags
}

// Strings are the elements of a list, nil when it is not given.
func Strings(ctx context.Context, list types.List, diags *diag.Diagnostics) []string {
	if list.IsNull() {
		return nil
	}
	var out []string
	diags.Append(list.ElementsAs(ctx, &out, false)...)
	return out
}

// ListOrNull is a list of strings, null when there are none.
func ListOrNull(ctx context.Context, in []string, diags *diag.Diagnostics) types.List {
	if len(in) == 0 {
		return types.ListNull(types.StringType)
	}
	value, d := types.ListValueFrom(ctx, types.StringType, in)
	diags.Append(d...)
	return value
}

// MapOrNull is a map of strings, null when there are none.
func MapOrNull(ctx context.Context, in map[string]string, diags *diag.Diagnostics) types.Map {
	if len(in) == 0 {
		return types.MapNull(types.StringType)
	}
	value, d := types.MapValueFrom(ctx, types.StringType, in)
	diags.Append(d...)
	return value
}
