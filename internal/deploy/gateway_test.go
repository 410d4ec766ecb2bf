// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/fake"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// hasFormerRoutes is the status of a gateway that could not be told of routes.
const hasFormerRoutes = "has former routes"

// gatewayBed is a bed with hosts and a gateway "front" on them.
func gatewayBed(t *testing.T, hosts ...string) *bed {
	t.Helper()
	b := newBed(t)
	b.fake = fake.New(b.drive, hosts...)
	b.Engine = b.fake
	if _, err := b.CreateGateway(t.Context(), front(), nil); err != nil {
		t.Fatal(err)
	}
	b.fake.Ran()
	return b
}

func front() stack.GatewaySpec { return stack.GatewaySpec{Name: "front", OnDestroy: stack.Retain} }

// site is a portal behind a gateway, with a route for each hostname.
func (b *bed) site(name, gateway string, hosts ...string) (stack.Spec, *stack.Stack) {
	network, edge := stack.NetworkName(name, "default"), stack.EdgeNetwork(gateway)
	web := &stack.Service{Name: "web", Image: "web:1", Replicas: 1, Networks: map[string][]string{network: nil}}
	for _, host := range hosts {
		web.Routes = append(web.Routes, stack.Route{Host: host, Port: 8000})
	}
	return stack.Spec{Name: name, Domain: hosts[0], Gateway: gateway, OnDestroy: stack.Retain}, &stack.Stack{
		Portal: name, Directory: filepath.Join(b.drive, name),
		Networks: map[string]stack.Network{
			network: {Name: network}, edge: {Name: edge, Internal: true, Gateway: gateway},
		},
		Directories: map[string]stack.Directory{stack.IngressFolder: {Mode: 0o755}},
		Services: map[string]*stack.Service{
			"web": web,
			"lb": {
				Name: "lb", Image: "caddy:2", Replicas: 1, Update: stack.StopFirst,
				Networks: map[string][]string{network: nil, edge: {stack.EdgeAlias(name)}},
			},
		},
		Ingress: &stack.Ingress{Service: "lb", Format: "caddy", File: "config.json", Reload: []string{"caddy", "reload"}},
	}
}

// open creates a site.
func (b *bed) open(name, gateway string, hosts ...string) (Result, error) {
	spec, st := b.site(name, gateway, hosts...)
	return b.Create(b.t.Context(), spec, st, nil)
}

// mustOpen creates a site behind the gateway front.
func (b *bed) mustOpen(name string, hosts ...string) Result {
	b.t.Helper()
	r, err := b.open(name, "front", hosts...)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// leadsTo asserts which hostnames are in the configuration of a gateway on a
// host, and which are not.
func (b *bed) leadsTo(gateway, host string, want []string, not ...string) {
	b.t.Helper()
	config := b.read(filepath.Join(gateway, stack.IngressFolder, blueprint.GatewayConfig(host)))
	for _, name := range want {
		if !strings.Contains(config, `"`+name+`"`) {
			b.t.Errorf("gateway %s on %s does not lead to %s", gateway, host, name)
		}
	}
	for _, name := range not {
		if strings.Contains(config, `"`+name+`"`) {
			b.t.Errorf("gateway %s on %s leads to %s", gateway, host, name)
		}
	}
}

func (b *bed) gatewayStatus(host string) string {
	b.t.Helper()
	g, found, err := b.ReadGateway(b.t.Context(), "front")
	if err != nil || !found {
		b.t.Fatalf("read the gateway: %t, %v", found, err)
	}
	return g.Instances[host].Status
}

func TestGatewayIsToldOfPortals(t *testing.T) {
	b := gatewayBed(t)
	before, _ := b.fake.Observe(t.Context(), "front")
	b.mustOpen("acme", "learn.acme.com", "studio.acme.com")
	b.leadsTo("front", fake.Host, []string{"learn.acme.com", "studio.acme.com", "acme.portals.internal:8080"})
	if !b.exists("front/records/route-acme.json") {
		t.Error("the route is in no record")
	}

	b.mustOpen("globex", "learn.globex.com")
	spec, st := b.site("acme", "front", "academy.acme.com")
	if _, err := b.Update(t.Context(), spec, st, nil); err != nil {
		t.Fatal(err)
	}
	b.leadsTo("front", fake.Host, []string{"academy.acme.com", "learn.globex.com"}, "learn.acme.com", "studio.acme.com")

	if _, err := b.ApplyMember(t.Context(), "acme", stack.Member{
		Kind: stack.MemberService, Name: "chat", Image: "chat:1", Replicas: 1, User: "1000:1000",
		Routes: []stack.Route{{Host: "chat.acme.com", Port: 8080}},
	}, nil); err != nil {
		t.Fatal(err)
	}
	b.leadsTo("front", fake.Host, []string{"academy.acme.com", "chat.acme.com", "learn.globex.com"})
	if err := b.RemoveMember(t.Context(), "acme", "service/chat"); err != nil {
		t.Fatal(err)
	}
	b.leadsTo("front", fake.Host, []string{"academy.acme.com", "learn.globex.com"}, "chat.acme.com")

	for range 2 {
		if err := b.Delete(t.Context(), "acme", stack.Delete); err != nil {
			t.Fatal(err)
		}
	}
	b.leadsTo("front", fake.Host, []string{"learn.globex.com"}, "academy.acme.com")
	if b.exists("front/records/route-acme.json") {
		t.Error("the route of a portal that is gone is still recorded")
	}
	after, _ := b.fake.Observe(t.Context(), "front")
	if len(after.Containers) != 1 || after.Containers[0].ID != before.Containers[0].ID || after.Containers[0].StartedAt != before.Containers[0].StartedAt {
		t.Errorf("the gateway was touched: %+v, then %+v", before.Containers, after.Containers)
	}
}

// What is right already is told to nobody.
func TestGatewayIsNotToldTwice(t *testing.T) {
	b := gatewayBed(t)
	b.mustOpen("acme", "learn.acme.com")
	b.fake.Ran()
	spec, st := b.site("acme", "front", "learn.acme.com")
	if _, err := b.Update(t.Context(), spec, st, nil); err != nil {
		t.Fatal(err)
	}
	for _, id := range b.fake.Ran() {
		if strings.Contains(id, "front-gateway") {
			t.Errorf("nothing changed for the gateway, but: %s", id)
		}
	}
}

func TestTwoPortalsClaimAHostname(t *testing.T) {
	b := gatewayBed(t)
	b.mustOpen("acme", "learn.acme.com", "www.acme.com")
	_, err := b.open("globex", "front", "learn.globex.com", "www.acme.com")
	wantError(t, err, "www.acme.com", "front", "acme", "globex")
	b.leadsTo("front", fake.Host, []string{"learn.acme.com", "www.acme.com"}, "learn.globex.com")

	// The first goes on, and the second follows when it is free.
	spec, st := b.site("acme", "front", "learn.acme.com")
	if _, err := b.Update(t.Context(), spec, st, nil); err != nil {
		t.Fatal(err)
	}
	b.mustOpen("globex", "learn.globex.com", "www.acme.com")
	b.leadsTo("front", fake.Host, []string{"learn.acme.com", "learn.globex.com", "www.acme.com"})
	_, err = b.Update(t.Context(), spec, func() *stack.Stack {
		_, st := b.site("acme", "front", "learn.acme.com", "learn.globex.com")
		return st
	}(), nil)
	wantError(t, err, "learn.globex.com", "acme", "globex")
	b.leadsTo("front", fake.Host, []string{"learn.acme.com", "learn.globex.com", "www.acme.com"})
}

func TestGatewayThatIsInUseStays(t *testing.T) {
	b := gatewayBed(t)
	b.mustOpen("acme", "learn.acme.com")
	b.mustOpen("globex", "learn.globex.com")
	wantError(t, b.DeleteGateway(t.Context(), "front", stack.Delete), "front", "acme, globex", "Destroy them first")
	b.leadsTo("front", fake.Host, []string{"learn.acme.com", "learn.globex.com"})

	spec, st := b.site("acme", "front", "learn.acme.com")
	spec.Gateway = ""
	delete(st.Networks, stack.EdgeNetwork("front"))
	delete(st.Services["lb"].Networks, stack.EdgeNetwork("front"))
	if _, err := b.Update(t.Context(), spec, st, nil); err != nil {
		t.Fatal(err)
	}
	b.leadsTo("front", fake.Host, []string{"learn.globex.com"}, "learn.acme.com")
	if err := b.Delete(t.Context(), "globex", stack.Retain); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.DeleteGateway(t.Context(), "front", stack.Delete); err != nil {
			t.Fatal(err)
		}
	}
	if o, _ := b.fake.Observe(t.Context(), "front"); len(o.Containers)+len(o.Networks) > 0 || b.exists("front") {
		t.Errorf("left over: %+v", o)
	}
	if _, found, err := b.ReadGateway(t.Context(), "front"); found || err != nil {
		t.Errorf("a gateway that is gone: %t, %v", found, err)
	}
}

func TestPortalsAndGatewaysShareTheirNames(t *testing.T) {
	b := gatewayBed(t)
	b.mustOpen("acme", "learn.acme.com")
	spec := front()
	_, err := b.CreateGateway(t.Context(), spec, nil)
	wantError(t, err, `gateway "front" exists already`, "portal_gateway.front", `id = "front"`)
	spec.Name = "acme"
	_, err = b.CreateGateway(t.Context(), spec, nil)
	wantError(t, err, `"acme" is the name of a portal`)
	_, err = b.open("front", "front", "learn.front.com")
	wantError(t, err, `"front" is the name of a gateway`)
	_, err = b.GatewaySpec(t.Context(), "acme")
	if !errors.Is(err, ErrNoGateway) {
		t.Errorf("a portal is taken for a gateway: %v", err)
	}
	// Deleting one as the other touches nothing.
	before := b.ids()
	if err := b.DeleteGateway(t.Context(), "acme", stack.Delete); err != nil {
		t.Fatal(err)
	}
	if len(b.ids()) != len(before) || !b.exists("acme/portal.json") {
		t.Error("a portal was destroyed as a gateway")
	}
}

func TestGatewayThatIsNotThere(t *testing.T) {
	b := gatewayBed(t)
	_, err := b.GatewaySpec(t.Context(), "back-door")
	wantError(t, err, "back-door", "portal_gateway.back_door.name")
	if !errors.Is(err, ErrNoGateway) {
		t.Errorf("got %v", err)
	}
	_, err = b.UpdateGateway(t.Context(), stack.GatewaySpec{Name: "back-door"}, nil)
	wantError(t, err, "back-door", "gone from the shared drive")
	// A portal that is behind one that is gone can be destroyed.
	b.mustOpen("acme", "learn.acme.com")
	if err := os.RemoveAll(filepath.Join(b.drive, "front")); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), "acme", stack.Delete); err != nil {
		t.Error(err)
	}
}

// On a drive that nothing was ever applied to, the gateway is what is missing.
func TestNoGatewayOnANewDrive(t *testing.T) {
	b := newBed(t)
	_, err := b.GatewaySpec(t.Context(), "front")
	wantError(t, err, `"front"`, "portal_gateway.front.name", "not marked as a shared drive")
	if !errors.Is(err, ErrNoGateway) {
		t.Errorf("got %v", err)
	}
}

func TestPortalMovesToAnotherGateway(t *testing.T) {
	b := gatewayBed(t)
	spec := front()
	spec.Name = "side"
	if _, err := b.CreateGateway(t.Context(), spec, nil); err != nil {
		t.Fatal(err)
	}
	b.mustOpen("acme", "learn.acme.com")
	moved, st := b.site("acme", "side", "learn.acme.com")
	if _, err := b.Update(t.Context(), moved, st, nil); err != nil {
		t.Fatal(err)
	}
	b.leadsTo("side", fake.Host, []string{"learn.acme.com"})
	b.leadsTo("front", fake.Host, nil, "learn.acme.com")
	if err := b.DeleteGateway(t.Context(), "front", stack.Delete); err != nil {
		t.Error(err)
	}
}

// outage is an engine some hosts of which do not answer.
type outage struct {
	*fake.Engine
	down []string
}

func (o *outage) On(host string) (engine.Engine, error) {
	on, err := o.Engine.On(host)
	if slices.Contains(o.down, host) {
		return silent{on}, err
	}
	return on, err
}

// silent is a host that does not answer.
type silent struct{ engine.Engine }

var errSilent = errors.New("connection timed out")

func (silent) Observe(context.Context, string) (stack.Observed, error) {
	return stack.Observed{}, errSilent
}

func (silent) ObserveShared(context.Context, string) (stack.Observed, error) {
	return stack.Observed{}, errSilent
}

func TestGatewayOnSeveralHosts(t *testing.T) {
	b := gatewayBed(t, "dal-1", "dal-2", "dal-3")
	hosts := &outage{Engine: b.fake}
	b.Engine = hosts
	b.mustOpen("acme", "learn.acme.com") // on dal-1
	b.leadsTo("front", "dal-1", []string{"learn.acme.com", "acme.portals.internal:8080", "relay.portals.internal"})
	b.leadsTo("front", "dal-2", []string{"learn.acme.com", "dal-1.test:7443"}, "acme.portals.internal:8080")

	hosts.down = []string{"dal-2"}
	r := b.mustOpen("globex", "learn.globex.com")
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], `"dal-2"`) || !strings.Contains(r.Warnings[0], errSilent.Error()) {
		t.Errorf("warnings are %q", r.Warnings)
	}
	b.leadsTo("front", "dal-1", []string{"learn.globex.com"})
	b.leadsTo("front", "dal-3", []string{"learn.globex.com"})
	hosts.down = nil
	for host, want := range map[string]string{"dal-1": stack.StatusRunning, "dal-2": hasFormerRoutes, "dal-3": stack.StatusRunning} {
		if got := b.gatewayStatus(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}

	b.fake.Ran()
	if _, err := b.UpdateGateway(t.Context(), front(), nil); err != nil {
		t.Fatal(err)
	}
	if ran := b.fake.Ran(); !slices.ContainsFunc(ran, func(id string) bool { return strings.HasPrefix(id, "exec front-gateway-1") }) {
		t.Errorf("nobody was told: %v", ran)
	}
	b.leadsTo("front", "dal-2", []string{"learn.globex.com", "dal-1.test:7443"})
	if got := b.gatewayStatus("dal-2"); got != stack.StatusRunning {
		t.Errorf("dal-2 is %q after the apply", got)
	}

	// One that nobody can be told of is not open.
	hosts.down = []string{"dal-1", "dal-2", "dal-3"}
	_, err := b.open("hooli", "front", "learn.hooli.com")
	wantError(t, err, errSilent.Error())
	hosts.down = nil
	b.leadsTo("front", "dal-1", nil, "learn.hooli.com")
	b.mustOpen("hooli", "learn.hooli.com")
}

// A gateway with the routes that it missed starts with them.
func TestStaleGatewayFindsItsRoutesOnTheDrive(t *testing.T) {
	b := gatewayBed(t, "dal-1", "dal-2")
	hosts := &outage{Engine: b.fake, down: []string{"dal-2"}}
	b.Engine = hosts
	b.mustOpen("acme", "learn.acme.com")
	b.leadsTo("front", "dal-2", []string{"learn.acme.com"})
}

func TestGatewayKilledAtAnyCallIsFinished(t *testing.T) {
	for cut := range 12 {
		b := newBed(t)
		b.killAfter(cut)
		_, err := b.CreateGateway(t.Context(), front(), nil)
		b.fake.Fail = nil
		if err != nil {
			if _, err := b.CreateGateway(t.Context(), front(), nil); err != nil {
				t.Fatalf("cut after %d calls: %v", cut, err)
			}
		}
		b.killAfter(cut)
		_, err = b.open("acme", "front", "learn.acme.com")
		b.fake.Fail = nil
		if err != nil {
			b.mustOpen("acme", "learn.acme.com")
		}
		b.leadsTo("front", fake.Host, []string{"learn.acme.com"})
		changed := front()
		changed.Image = "caddy:new"
		b.killAfter(cut)
		_, _ = b.UpdateGateway(t.Context(), changed, nil)
		b.fake.Fail = nil
		g, err := b.UpdateGateway(t.Context(), changed, nil)
		if err != nil || g.Instances[fake.Host].Image != "caddy:new" || g.Instances[fake.Host].Status != stack.StatusRunning {
			t.Fatalf("cut after %d calls: %+v, %v", cut, g, err)
		}
		if err := b.Delete(t.Context(), "acme", stack.Delete); err != nil {
			t.Fatal(err)
		}
		b.killAfter(cut)
		_ = b.DeleteGateway(t.Context(), "front", stack.Delete)
		b.fake.Fail = nil
		if err := b.DeleteGateway(t.Context(), "front", stack.Delete); err != nil {
			t.Fatal(err)
		}
		if o, _ := b.fake.Observe(t.Context(), "front"); len(o.Containers)+len(o.Networks) > 0 {
			t.Fatalf("cut after %d calls: left over %+v", cut, o)
		}
	}
}

// What is told of certificates is what lies on the drive.
func TestCertificatesOfAGateway(t *testing.T) {
	b := newBed(t)
	spec := front()
	spec.TLS = &stack.TLS{Mode: stack.TLSInternal}
	g, err := b.CreateGateway(t.Context(), spec, nil)
	if err != nil || g.Certificates == nil || len(g.Certificates) != 0 {
		t.Fatalf("without portals: %+v, %v", g.Certificates, err)
	}
	chain, expires := issued(t, "learn.acme.com")
	folder := filepath.Join(b.drive, "front/data/gateway/caddy/certificates/local/learn.acme.com")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "learn.acme.com.crt"), []byte(chain), 0o600); err != nil {
		t.Fatal(err)
	}
	b.mustOpen("acme", "learn.acme.com")
	g, _, err = b.ReadGateway(t.Context(), "front")
	want := Certificate{Issuer: "Test", Expires: expires}
	if err != nil || len(g.Certificates) != 1 || g.Certificates["learn.acme.com"] != want {
		t.Errorf("certificates are %+v, %v, want %+v", g.Certificates, err, want)
	}
}

// A record of a newer provider is not misread.
func TestRecordsOfRoutes(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"newer":  {`{"version": 2, "portal": "acme"}`, "use the newer provider"},
		"broken": {`{`, "cannot be read"},
	} {
		_, err := routesOf(map[string][]byte{"route-acme": []byte(tc.text), "stale": []byte("[]")})
		t.Run(name, func(t *testing.T) { wantError(t, err, "records/route-acme.json", tc.want) })
	}
	b := gatewayBed(t)
	b.mustOpen("acme", "learn.acme.com")
	var r gatewayRoute
	if err := json.Unmarshal([]byte(b.read("front/records/route-acme.json")), &r); err != nil || r.Host != fake.Host || r.Version != routeVersion {
		t.Errorf("the record is %+v, %v", r, err)
	}
}
