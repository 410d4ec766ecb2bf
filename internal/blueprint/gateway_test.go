// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// at are the options of a gateway on the first of some hosts.
func at(hosts ...string) GatewayOptions {
	o := GatewayOptions{Options: testOptions, Host: hosts[0], Hosts: hosts, Addresses: map[string]string{}}
	for _, h := range hosts {
		o.Addresses[h] = h + ".test"
	}
	return o
}

func TestGatewayProblems(t *testing.T) {
	two := at("dal-1", "dal-2")
	nowhere := at("dal-1", "dal-2")
	nowhere.Addresses["dal-2"] = ""
	internal := &stack.TLS{Mode: stack.TLSInternal}
	for name, tt := range map[string]struct {
		spec            stack.GatewaySpec
		opts            GatewayOptions
		attribute, hint string
	}{
		"name":                    {stack.GatewaySpec{Name: "Front Door"}, two, "name", "lower-case"},
		"HTTP port":               {stack.GatewaySpec{HTTPPort: 65536}, two, "http_port", "65535"},
		"HTTPS port":              {stack.GatewaySpec{HTTPSPort: -1, TLS: internal}, two, "https_port", "65535"},
		"relay port":              {stack.GatewaySpec{RelayPort: 70000}, two, "relay_port", "65535"},
		"one port for two":        {stack.GatewaySpec{HTTPPort: 443, TLS: internal}, two, "https_port", "http_port and https_port"},
		"one port for two, relay": {stack.GatewaySpec{HTTPPort: 7443}, two, "relay_port", "7443"},
		"relay and HTTPS":         {stack.GatewaySpec{RelayPort: 443, TLS: internal}, two, "relay_port", "https_port and relay_port"},
		"HTTPS port without TLS":  {stack.GatewaySpec{HTTPSPort: 443}, two, "https_port", "no certificates"},
		"host without an address": {stack.GatewaySpec{}, nowhere, "", `hosts["dal-2"]`},
		"host that is not there":  {stack.GatewaySpec{Hosts: []string{"dal-3"}}, two, "hosts", "Did you mean"},
		"image":                   {stack.GatewaySpec{Image: "Not An Image"}, two, "image", "docker pull"},
		"proxy without a mask":    {stack.GatewaySpec{TrustedProxies: []string{"10.0.0.1"}}, two, "trusted_proxies", "CIDR"},
		"proxies everywhere":      {stack.GatewaySpec{TrustedProxies: []string{"0.0.0.0/0"}}, two, "trusted_proxies", "whole internet"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.spec.Name == "" {
				tt.spec.Name = "front"
			}
			_, err := BuildGateway(tt.spec, tt.opts)
			var found Problems
			if !errors.As(err, &found) {
				t.Fatalf("got %v, want Problems", err)
			}
			wantProblem(t, found, tt.attribute, tt.hint)
		})
	}
}

func TestGatewayPorts(t *testing.T) {
	tcp := func(container, host int) stack.Port {
		return stack.Port{Container: container, Host: host, Protocol: "tcp"}
	}
	udp := stack.Port{Container: 8443, Host: 443, Protocol: "udp"}
	internal := &stack.TLS{Mode: stack.TLSInternal}
	for name, tt := range map[string]struct {
		spec stack.GatewaySpec
		opts GatewayOptions
		want []stack.Port
	}{
		"plain":                {stack.GatewaySpec{}, at("dal-1"), []stack.Port{tcp(8080, 80)}},
		"with certificates":    {stack.GatewaySpec{TLS: internal}, at("dal-1"), []stack.Port{tcp(8080, 80), tcp(8443, 443), udp}},
		"other ports":          {stack.GatewaySpec{HTTPPort: 8000}, at("dal-1"), []stack.Port{tcp(8080, 8000)}},
		"several hosts":        {stack.GatewaySpec{}, at("dal-1", "dal-2"), []stack.Port{tcp(8080, 80), tcp(8444, 7443)}},
		"a host for the relay": {stack.GatewaySpec{Hosts: []string{"dal-2"}, RelayPort: 9000}, at("dal-1", "dal-2"), []stack.Port{tcp(8444, 9000)}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.spec.Name = "front"
			s, err := BuildGateway(tt.spec, tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Services[GatewayService].Ports; !slices.Equal(got, tt.want) {
				t.Errorf("ports are %+v, want %+v", got, tt.want)
			}
		})
	}
}

// A gateway stands in the open: it has nothing that it does not need.
func TestGatewayIsConfined(t *testing.T) {
	s, err := BuildGateway(stack.GatewaySpec{Name: "front", TLS: &stack.TLS{Mode: stack.TLSInternal}}, at("dal-1"))
	if err != nil {
		t.Fatal(err)
	}
	g := s.Services[GatewayService]
	if !g.ReadOnly || !slices.Equal(g.CapDrop, []string{"ALL"}) || g.User != "1000:1000" || !slices.Contains(g.SecurityOpt, noNewPrivileges) {
		t.Errorf("it may too much: %+v", g)
	}
	for _, m := range g.Mounts {
		if m.Source != "" && !strings.HasPrefix(m.Source, "/srv/portals/front/") || strings.Contains(m.Source, "docker.sock") {
			t.Errorf("it mounts %s", m.Source)
		}
	}
	if n := s.Networks[stack.EdgeNetwork("front")]; !n.Internal || n.Gateway != "" {
		t.Errorf("the network of the load balancers is %+v", n)
	}
}

// Portals that come and go are no part of it, so they never replace it.
func TestGatewayDigest(t *testing.T) {
	digest := func(spec stack.GatewaySpec) string {
		spec.Name = "front"
		s, err := BuildGateway(spec, at("dal-1"))
		if err != nil {
			t.Fatal(err)
		}
		return stack.Digest(s.Services[GatewayService])
	}
	before := digest(stack.GatewaySpec{})
	for name, tt := range map[string]struct {
		spec stack.GatewaySpec
		same bool
	}{
		"proxies": {stack.GatewaySpec{TrustedProxies: []string{"10.0.0.0/8"}}, true},
		"off":     {stack.GatewaySpec{TLS: &stack.TLS{Mode: stack.TLSOff}}, true},
		"image":   {stack.GatewaySpec{Image: "caddy:3"}, false},
		"port":    {stack.GatewaySpec{HTTPPort: 8080}, false},
	} {
		if got := digest(tt.spec) == before; got != tt.same {
			t.Errorf("%s: the same container: %t", name, got)
		}
	}
}
