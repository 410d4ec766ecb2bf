// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// A portal that cannot be behind its gateway is told so before it is made.
func TestClaimIsRefusedBeforeAnythingIsMade(t *testing.T) {
	b := gatewayBed(t)
	b.mustOpen("acme", "learn.acme.com")
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
	b.mustOpen("acme", "learn.acme.com")
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

// With mode "files" nobody is asked for a certificate, so nobody is waited for.
func TestHostnameWithoutAGivenCertificate(t *testing.T) {
	b := newBed(t)
	chain, _ := issued(t, "learn.acme.com")
	spec := front()
	spec.TLS = &stack.TLS{Mode: stack.TLSFiles, Certificates: map[string]stack.Certificate{"acme": {Chain: chain}}}
	key := ingress.KeyFile("acme", spec.TLS.Certificates["acme"])
	if _, err := b.CreateGateway(t.Context(), spec, map[string]string{key: "key"}); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	r := b.mustOpen("acme", "learn.acme.com", "studio.acme.com")
	if took := time.Since(begin); took >= certificateWait {
		t.Errorf("it took %s: somebody was waited for", took)
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "studio.acme.com has no certificate: none of tls.certificates of front") {
		t.Errorf("warnings are %q", r.Warnings)
	}
}
