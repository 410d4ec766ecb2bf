// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"os"
	"path/filepath"
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

// A gateway that runs without its directory is not taken for one that is gone:
// made again, it would lead nowhere.
func TestGatewayThatLostItsDirectory(t *testing.T) {
	b := gatewayBed(t)
	b.mustOpen("acme", "front", "learn.acme.com")
	if err := os.Rename(filepath.Join(b.drive, "front"), filepath.Join(b.drive, ".front")); err != nil {
		t.Fatal(err)
	}
	_, found, err := b.ReadGateway(t.Context(), "front")
	if found {
		t.Error("it is there")
	}
	wantError(t, err, "front", "gone from the shared drive", "terraform state rm")
	if err := os.Rename(filepath.Join(b.drive, ".front"), filepath.Join(b.drive, "front")); err != nil {
		t.Fatal(err)
	}
	if _, found, err := b.ReadGateway(t.Context(), "front"); !found || err != nil {
		t.Errorf("put back: %t, %v", found, err)
	}
}
