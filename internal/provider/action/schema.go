// SPDX-License-Identifier: MPL-2.0

package action

import (
	"fmt"
	"maps"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

// Attributes that all actions have.
const (
	attrPortal  = "portal"
	attrTimeout = "timeout"
)

func (a *portalAction) schema() schema.Schema {
	attributes := map[string]schema.Attribute{
		attrPortal: schema.StringAttribute{
			MarkdownDescription: "Name of the portal.",
			Required:            true,
			Validators:          []validator.String{validate.PortalName()},
		},
		attrTimeout: schema.StringAttribute{
			MarkdownDescription: fmt.Sprintf("Time allowed, as a duration such as `90s` or `2h`. Default: `%s`.", inWords(a.limit)),
			Optional:            true,
			Validators:          []validator.String{validate.Duration()},
		},
	}
	maps.Copy(attributes, a.attributes)
	return schema.Schema{MarkdownDescription: a.description, Attributes: attributes}
}

// inWords writes a limit of whole minutes as a user would: "30m", "12h".
func inWords(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}
