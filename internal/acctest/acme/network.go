// SPDX-License-Identifier: MPL-2.0

package acme

import (
	"net"
	"strconv"
	"testing"

	"github.com/docker/docker/api/types/network"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// bridge is the address of this machine at which containers of any network
// reach it: that of Docker's own bridge. An engine that was restarted may not
// tell it (Docker 20.10), but the bridge itself does.
func bridge(t testing.TB) string {
	t.Helper()
	r, err := enginetest.Client(t).NetworkInspect(enginetest.Context(t), "bridge", network.InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	name := r.Options["com.docker.network.bridge.name"]
	link, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatalf("this test needs a Docker Engine on this machine: its bridge %q: %v", name, err)
	}
	addresses, err := link.Addrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, _, err := net.ParseCIDR(a.String()); err == nil && ip.To4() != nil {
			return ip.String()
		}
	}
	t.Fatalf("the bridge %q has no IPv4 address that containers reach this machine at: %v", name, addresses)
	return ""
}

// FreePort is a port of this machine that nothing listens on, neither by TCP
// nor by UDP.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := net.SplitHostPort(l.Addr().String())
		port, _ := strconv.Atoi(text)
		p, err := net.ListenPacket("udp", ":"+text)
		l.Close()
		if err == nil {
			p.Close()
			return port
		}
	}
	t.Fatal("no port is free by TCP and UDP")
	return 0
}
