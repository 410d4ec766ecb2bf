// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// A loaded file is shared between portals; what stands in for their values
// must never touch the file's own text.
func TestTextThatLooksLikeAMarkStays(t *testing.T) {
	spec := userSpec(t, `x-image: &image portal-test/busybox
services:
  web:
    image: *image
    command: [portal, portal-mark-name, portal-markx-domain, "65535"]
    environment: {PORT: 65534, NAME: "${PORTAL_NAME}", PROJECT: "${COMPOSE_PROJECT_NAME}"}
    ports: ["65535:65533", "${PORTAL_HTTP_PORT}:80"]
`)
	spec.HTTPPort = 8080
	web := mustBuild(t, spec).Services["web"]
	if web.Image != "portal-test/busybox" {
		t.Errorf("image is %q", web.Image)
	}
	if got := strings.Join(web.Command, " "); got != "portal portal-mark-name portal-markx-domain 65535" {
		t.Errorf("command is %q", got)
	}
	for name, want := range map[string]string{"PORT": "65534", "NAME": "acme", "PROJECT": "acme"} {
		if web.Environment[name] != want {
			t.Errorf("%s is %q, want %q", name, web.Environment[name], want)
		}
	}
	want := []stack.Port{{Container: 65533, Host: 65535, Protocol: "tcp"}, {Container: 80, Host: 8080, Protocol: "tcp"}}
	for i, port := range web.Ports {
		if port != want[i] {
			t.Errorf("port %d is %+v, want %+v", i, port, want[i])
		}
	}
}

func TestPortalsOfOneBlueprintDoNotMix(t *testing.T) {
	acme := demoSpec()
	umbra := demoSpec()
	umbra.Name, umbra.Domain, umbra.StudioDomain, umbra.HTTPPort = "umbra", "umbra.org", "studio.umbra.org", 0
	before, err := json.Marshal(mustBuild(t, acme))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { _ = mustBuild(t, umbra) })
		wg.Go(func() { _ = mustBuild(t, acme) })
	}
	wg.Wait()
	other := readable(t, mustBuild(t, umbra))
	for _, foreign := range []string{"acme", "portal-mark", "65535"} {
		if bytes.Contains(other, []byte(foreign)) {
			t.Errorf("the stack of umbra holds %q", foreign)
		}
	}
	after, err := json.Marshal(mustBuild(t, acme))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Error("another portal's build changed this one's")
	}
}

func TestAChangedBlueprintIsReadAgain(t *testing.T) {
	spec := userSpec(t, "services: {web: {image: 'web:1'}}\n")
	mustBuild(t, spec)
	write(t, spec.Blueprint, "compose.yaml", "services: {web: {image: 'web:2'}}\n")
	if got := mustBuild(t, spec).Services["web"].Image; got != "web:2" {
		t.Errorf("image is %q, want the changed one", got)
	}

	spec = userSpec(t, "services: {web: {extends: {file: base.yml, service: web}}}\n")
	for _, tag := range []string{"1", "2"} {
		write(t, spec.Blueprint, "base.yml", "services: {web: {image: 'web:"+tag+"', ports: ['65535:80']}}\n")
		web := mustBuild(t, spec).Services["web"]
		if web.Image != "web:"+tag || web.Ports[0].Host != 65535 {
			t.Errorf("image %q and port %d, want the extended file's", web.Image, web.Ports[0].Host)
		}
	}
}
