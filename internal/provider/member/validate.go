// SPDX-License-Identifier: MPL-2.0

package member

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Check finds what is wrong between attributes, as far as they are known: no
// two things can be mounted at one place.
func (c Container) Check() diag.Diagnostics {
	var diags diag.Diagnostics
	taken := map[string]string{}
	for _, mounted := range []struct {
		attribute string
		targets   map[string]attr.Value
	}{
		{"volumes", c.Volumes.Elements()},
		{"secret_files", c.SecretFiles.Elements()},
		{"secret_files_wo", c.SecretFilesWO.Elements()},
	} {
		for _, target := range slices.Sorted(maps.Keys(mounted.targets)) {
			if other, found := taken[target]; found {
				diags.AddAttributeError(path.Root(mounted.attribute), "Two mounts at one path",
					fmt.Sprintf("%s is in %s as well as in %s. Take it out of one of the two.", target, other, mounted.attribute))
			}
			taken[target] = mounted.attribute
		}
	}
	return diags
}

// HealthTest checks a health check's test.
func HealthTest() validator.List { return healthTest{} }

type healthTest struct{}

const healthTestDescription = `"CMD" and a command, "CMD-SHELL" and a line for the shell, or "NONE"`

func (healthTest) Description(context.Context) string         { return healthTestDescription }
func (healthTest) MarkdownDescription(context.Context) string { return healthTestDescription }

// ValidateList looks at the first element, and at how many there are.
func (healthTest) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	elements := req.ConfigValue.Elements()
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	kind := ""
	if len(elements) > 0 {
		first, ok := elements[0].(types.String)
		if !ok || first.IsUnknown() {
			return
		}
		kind = first.ValueString()
	}
	if kind == "CMD" && len(elements) > 1 || kind == "CMD-SHELL" && len(elements) == 2 || kind == "NONE" && len(elements) == 1 {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid value for %s", req.Path),
		`Write ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"], or ["CMD-SHELL", "test -e /tmp/up"], or ["NONE"] to turn the image's own health check off.`)
}
