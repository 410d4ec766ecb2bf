// SPDX-License-Identifier: MPL-2.0

package member

import (
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Duration reads an attribute that its validator let pass; null is none.
func Duration(v types.String) time.Duration {
	d, err := time.ParseDuration(v.ValueString())
	if err != nil {
		return 0
	}
	return d
}

// DurationOrNull writes a duration; none is null.
func DurationOrNull(d time.Duration) types.String {
	if d == 0 {
		return types.StringNull()
	}
	return types.StringValue(DurationText(d))
}

// DurationText writes a duration without the units that it has none of: "1m"
// and not "1m0s".
func DurationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
