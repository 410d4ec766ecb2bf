// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// behind is a portal's stack behind a gateway, none if that is empty.
func behind(portal, gateway string, hosts ...string) *stack.Stack {
	s := base(portal)
	for _, host := range hosts {
		s.Services["proxy"].Routes = append(s.Services["proxy"].Routes, stack.Route{Host: host, Port: 80})
	}
	if gateway != "" {
		name := stack.EdgeNetwork(gateway)
		s.Networks[name] = stack.Network{Name: name, Internal: true, Gateway: gateway}
	}
	return s
}

func TestHostnamesOfPlannedPortals(t *testing.T) {
	redirecting := behind("globex", "front", "learn.globex.test")
	redirecting.Ingress.Settings.Redirects = []string{"www.acme.test"}
	for name, tt := range map[string]struct {
		first, second *stack.Stack
		clash         string // the hostname, empty for none
	}{
		"their own":         {behind("acme", "front", "learn.acme.test"), behind("globex", "front", "learn.globex.test"), ""},
		"the same":          {behind("acme", "front", "learn.acme.test"), behind("globex", "front", "learn.globex.test", "learn.acme.test"), "learn.acme.test"},
		"a redirect":        {behind("acme", "front", "www.acme.test"), redirecting, "www.acme.test"},
		"behind two":        {behind("acme", "front", "learn.acme.test"), behind("globex", "side", "learn.acme.test"), ""},
		"without a gateway": {behind("acme", "", "learn.acme.test"), behind("globex", "", "learn.acme.test"), ""},
		"the same portal":   {behind("acme", "front", "learn.acme.test"), behind("acme", "front", "learn.acme.test"), ""},
	} {
		for _, order := range [][2]*stack.Stack{{tt.first, tt.second}, {tt.second, tt.first}} {
			t.Run(name, func(t *testing.T) {
				var p Planned
				mustSet(t, &p, order[0].Portal, order[0])
				wantClash(t, p.SetPortal(order[1].Portal, order[1]), tt.clash)
			})
		}
	}
}

// wantClash wants the error that names both portals, or none.
func wantClash(t *testing.T, err error, host string) {
	t.Helper()
	switch {
	case host == "" && err != nil:
		t.Errorf("refused: %v", err)
	case host != "" && err == nil:
		t.Errorf("two portals have %s", host)
	case host != "":
		for _, part := range []string{host, `"acme" and "globex"`, `"front"`} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %s: %v", part, err)
			}
		}
	}
}

func TestHostnamesOfPlannedMembers(t *testing.T) {
	var p Planned
	acme, globex := behind("acme", "front", "learn.acme.test"), behind("globex", "front", "learn.globex.test")
	mustSet(t, &p, "acme", acme)
	mustSet(t, &p, "globex", globex)
	route := stack.Route{Host: "chat.acme.test", Port: 80}
	_, err := p.Join(acme, service("chat", route))
	wantClash(t, err, "")
	_, err = p.Join(globex, service("talk", route))
	wantClash(t, err, "chat.acme.test")
	wantClash(t, p.SetPortal("globex", behind("globex", "front", "chat.acme.test")), "chat.acme.test")
}

// A portal that gives a hostname up is planned once before another takes it.
func TestHostnameThatIsGivenUp(t *testing.T) {
	var p Planned
	mustSet(t, &p, "acme", behind("acme", "front", "learn.acme.test", "www.acme.test"))
	mustSet(t, &p, "acme", behind("acme", "front", "learn.acme.test"))
	mustSet(t, &p, "globex", behind("globex", "front", "www.acme.test"))
	mustSet(t, &p, "hooli", nil)
}

func TestHostnamesPlannedAtTheSameTime(t *testing.T) {
	var p Planned
	var wg sync.WaitGroup
	refused := make(chan error, 20)
	for i := range 20 {
		wg.Go(func() {
			name := fmt.Sprintf("portal-%d", i)
			if err := p.SetPortal(name, behind(name, "front", fmt.Sprintf("learn-%d.test", i/2))); err != nil {
				refused <- err
			}
		})
	}
	wg.Wait()
	if len(refused) != 10 {
		t.Errorf("%d of 10 pairs were found", len(refused))
	}
}

// knowsGateways is a deployer that has one gateway, "front".
type knowsGateways struct {
	Deployer
	asked *int
}

func (k knowsGateways) GatewaySpec(_ context.Context, name string) (stack.GatewaySpec, error) {
	*k.asked++
	if name != "front" {
		return stack.GatewaySpec{}, fmt.Errorf("%w as %q", deploy.ErrNoGateway, name)
	}
	return stack.GatewaySpec{Name: name, HTTPPort: 8081}, nil
}

func TestFront(t *testing.T) {
	asked := 0
	c := &Client{Deployer: knowsGateways{asked: &asked}}
	front, diags := c.Front(t.Context(), "front")
	if diags.HasError() || front == nil || *front != (stack.Front{Port: 8081}) {
		t.Errorf("as applied: %+v, %v", front, diags)
	}
	_, diags = c.Front(t.Context(), "back")
	if !diags.HasError() || !strings.Contains(diags[0].Detail(), deploy.ErrNoGateway.Error()) {
		t.Errorf("one that is not there: %v", diags)
	}

	// What is planned counts, and nobody is asked.
	asked = 0
	c.Planned.SetGateway("front", &stack.GatewaySpec{Name: "front", HTTPSPort: 8443, TLS: &stack.TLS{Mode: stack.TLSInternal}})
	front, diags = c.Front(t.Context(), "front")
	if diags.HasError() || front == nil || *front != (stack.Front{HTTPS: true, Port: 8443}) {
		t.Errorf("as planned: %+v, %v", front, diags)
	}
	c.Planned.SetGateway("back", nil)
	if front, diags = c.Front(t.Context(), "back"); front != nil || diags.HasError() {
		t.Errorf("planned and not known: %+v, %v", front, diags)
	}
	if asked != 0 {
		t.Errorf("asked %d times", asked)
	}
	if front, diags = (&Client{}).Front(t.Context(), "front"); front != nil || diags.HasError() {
		t.Errorf("while no host is known: %+v, %v", front, diags)
	}
}

func TestFailuresOfGateways(t *testing.T) {
	d := GatewayFailure("front", "update", errors.New("no room"))
	if !strings.Contains(d.Summary(), "front") || !strings.Contains(d.Summary(), "update") || !strings.Contains(d.Detail(), "no room") {
		t.Errorf("%s: %s", d.Summary(), d.Detail())
	}
	w := GatewayWarnings("front", []string{"a host is away"})
	if len(w) != 1 || !strings.Contains(w[0].Summary(), "front") || !strings.Contains(w[0].Detail(), "a host is away") {
		t.Errorf("%v", w)
	}
}
