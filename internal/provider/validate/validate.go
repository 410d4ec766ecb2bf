// SPDX-License-Identifier: MPL-2.0

// Package validate checks attribute values by themselves, so that a mistake
// fails in `terraform validate`, with a hint at what to write instead.
package validate

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// text is a validator made of one function over a known string.
type text struct {
	expects string
	check   func(string) error
}

func (v text) Description(context.Context) string         { return v.expects }
func (v text) MarkdownDescription(context.Context) string { return v.expects }

// ValidateString runs the check on a value that is set and known.
func (v text) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	value := req.ConfigValue.ValueString()
	if err := v.check(value); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path,
			fmt.Sprintf("Invalid value for %s", req.Path),
			fmt.Sprintf("%q is not %s: %s.", value, v.expects, err))
	}
}
