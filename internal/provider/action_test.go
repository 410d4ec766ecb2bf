// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/privateportals/terraform-provider-portal/internal/provider/action/actiontest"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// restarting is a pool on which nothing can be restarted.
type restarting struct{ client.Deployer }

func (restarting) RestartServices(_ context.Context, portal string, _ []string, _ func(string)) error {
	return errors.New("asked for " + portal)
}

// The provider serves its actions, and they get to its hosts.
func TestActions(t *testing.T) {
	for _, name := range variables {
		t.Setenv(name, "")
	}
	p := newWith("test", func(config, string) (client.Deployer, error) { return restarting{}, nil })
	server := actiontest.Serve(t, providerserver.NewProtocol6(p())(), nil)
	_, diags := server.Invoke(t.Context(), t, "portal_restart", map[string]any{"portal": "acme"})
	if len(diags) != 1 || !strings.Contains(diags[0].Detail, "asked for acme") {
		t.Errorf("portal_restart: %v", diags)
	}
	for _, name := range []string{"portal_task_run", "portal_restore"} {
		if diags := server.Validate(t, name, map[string]any{"portal": "Acme"}); len(diags) == 0 {
			t.Errorf("%s takes any name of a portal", name)
		}
	}
}
