// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"testing"
)

// A portal that cannot be behind its gateway is told so before it is made.
func TestClaimIsRefusedBeforeAnythingIsMade(t *testing.T) {
	b := gatewayBed(t)
	b.mustOpen("acme", "front", "learn.acme.com")
	for gateway, want := range map[string]string{"front": "learn.acme.com is claimed by two portals", "back-door": "there is no such gateway"} {
		_, err := b.open("globex", gateway, "learn.acme.com")
		wantError(t, err, want)
		if o, _ := b.fake.Observe(t.Context(), "globex"); len(o.Containers)+len(o.Networks) > 0 || b.exists("globex/portal.json") {
			t.Errorf("behind %s: made before it was refused: %+v", gateway, o)
		}
	}
}
