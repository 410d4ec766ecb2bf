// SPDX-License-Identifier: MPL-2.0

package action

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

const restartTimeout = 30 * time.Minute

// NewRestart makes the action portal_restart.
func NewRestart() action.Action {
	return &portalAction{
		name:        "restart",
		description: "Restarts services of a portal in place, one container of each service at a time, and waits until they are healthy. A service with two replicas never stops answering.",
		attributes: map[string]schema.Attribute{
			"services": schema.SetAttribute{
				MarkdownDescription: "Services to restart. Default: those that read the portal's `ansible_overrides.yml` when they start.",
				Optional:            true,
				ElementType:         types.StringType,
				Validators: []validator.Set{
					setvalidator.SizeAtLeast(1),
					setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1)),
				},
			},
		},
		limit:  restartTimeout,
		did:    "restart",
		invoke: restart,
	}
}

func restart(ctx context.Context, r request) error {
	var services []string
	if err := r.read(ctx, "services", &services); err != nil {
		return err
	}
	slices.Sort(services)
	what := "the services that read the overrides"
	if len(services) > 0 {
		what = strings.Join(services, ", ")
	}
	r.progress(fmt.Sprintf("Restarting %s of portal %s", what, r.portal))
	return r.deployer.RestartServices(ctx, r.portal, services, r.progress)
}
