// SPDX-License-Identifier: MPL-2.0

package override

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

// settings checks that a dynamic value holds variables by name.
type settings struct{}

const settingsDescription = "an object or a map of values by name"

func (settings) Description(context.Context) string         { return settingsDescription }
func (settings) MarkdownDescription(context.Context) string { return settingsDescription }

// ValidateDynamic looks as deep as values are known. Values themselves are in
// no message: they may be secret.
func (settings) ValidateDynamic(_ context.Context, req validator.DynamicRequest, resp *validator.DynamicResponse) {
	if isNull(req.ConfigValue) || isUnknown(req.ConfigValue) {
		return
	}
	summary := fmt.Sprintf("Invalid value for %s", req.Path)
	variables, err := decodeTop(req.ConfigValue)
	if err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, summary,
			fmt.Sprintf("%s: %s. For example: %s = { EDXAPP_PLATFORM_NAME = \"Acme Academy\" }", req.Path, err, req.Path))
		return
	}
	if at, found := emptyKey(nil, variables); found {
		resp.Diagnostics.AddAttributeError(req.Path, summary,
			fmt.Sprintf("%s has an empty key%s. Every key must be a non-empty string.", req.Path, at))
	}
}

// emptyKey looks for a key that is "", and tells in which map it is.
func emptyKey(at overrides.Path, value any) (where string, found bool) {
	switch v := value.(type) {
	case map[string]any:
		if _, found := v[""]; found {
			if len(at) > 0 {
				where = " in " + at.String()
			}
			return where, true
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if where, found := emptyKey(append(slices.Clone(at), key), v[key]); found {
				return where, true
			}
		}
	case []any:
		for _, item := range v {
			if where, found := emptyKey(at, item); found {
				return where, true
			}
		}
	}
	return "", false
}

// check finds what is wrong between attributes, as far as they are known. It
// says nothing of a value that is wrong by itself.
func (m model) check() diag.Diagnostics {
	var diags diag.Diagnostics
	if isNull(m.Values) && isNull(m.SecretValuesWO) {
		diags.AddError("Nothing to set", "Give values, secret_values_wo, or both.")
	}
	diags.Append(m.checkVersion()...)
	values, err := decode(m.Values)
	if err != nil {
		return diags
	}
	secrets, err := decode(m.SecretValuesWO)
	if err != nil {
		return diags
	}
	if both := overlaps(leaves(values), leaves(secrets)); len(both) > 0 {
		diags.AddAttributeError(path.Root("secret_values_wo"), "Set twice",
			fmt.Sprintf("These are set both in values and in secret_values_wo: %s. Take them out of one of the two.", strings.Join(both, "; ")))
	}
	return diags
}

// checkVersion holds that secrets and their version come together.
func (m model) checkVersion() diag.Diagnostics {
	var diags diag.Diagnostics
	version := path.Root("secret_values_wo_version")
	switch {
	case !isNull(m.SecretValuesWO) && !isUnknown(m.SecretValuesWO) && m.SecretValuesWOVersion.IsNull():
		diags.AddAttributeError(version, "Missing secret_values_wo_version",
			"Terraform does not keep secret_values_wo, so it cannot tell when they change: give secret_values_wo_version = 1 with them, and another number to write other secrets.")
	case isNull(m.SecretValuesWO) && !m.SecretValuesWOVersion.IsNull() && !m.SecretValuesWOVersion.IsUnknown():
		diags.AddAttributeError(version, "Missing secret_values_wo",
			"secret_values_wo_version tells when to write secret_values_wo anew, and there are none. Remove the version.")
	}
	return diags
}

// isNull sees through the type that a null may have: `values = var.x`.
func isNull(v types.Dynamic) bool { return v.IsNull() || v.IsUnderlyingValueNull() }

// isUnknown sees through the type that an unknown value may have.
func isUnknown(v types.Dynamic) bool { return v.IsUnknown() || v.IsUnderlyingValueUnknown() }
