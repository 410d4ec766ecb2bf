// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// contents are those of the files of a task's secrets, by their names.
func contents(task stack.Member, credentials map[string]string, webhook types.String) map[string]string {
	out := map[string]string{}
	for target, content := range contentsOf(credentials) {
		out[task.GivenSecrets[target]] = content
	}
	if s, err := schedule.Parse(task.Schedule); err == nil && s.Webhook != "" {
		out[s.Webhook] = webhook.ValueString() + "\n"
	}
	return out
}
