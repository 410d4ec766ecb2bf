// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
)

// localAddress is an address of this machine by which visitors from elsewhere
// could come: the kernel leads what is published there straight to a container,
// while connections to 127.0.0.1 go through the program docker-proxy. It is
// 127.0.0.1 where there is no other.
func localAddress() string {
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err == nil && prefix.Addr().Is4() && prefix.Addr().IsGlobalUnicast() {
			return prefix.Addr().String()
		}
	}
	return "127.0.0.1"
}

// freePort is a port that nobody listens on now, at no address of this machine.
func freePort() (int, error) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{})
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // that of a TCP listener
	return port, listener.Close()
}

// throughProxy tells whether docker-proxy is what takes connections to a
// published port. Its end of a connection is a socket of this machine; that of
// a container is not, as it has a network of its own.
func throughProxy(address string) (bool, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	here, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return false, err
	}
	there, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return false, err
	}
	v4, err := os.ReadFile("/proc/net/tcp")
	v6, err6 := os.ReadFile("/proc/net/tcp6")
	if err := errors.Join(err, err6); err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	return hasSocket(string(v4)+string(v6), there, here), nil
}

// hasSocket looks in the kernel's table of sockets for one with these ends. A
// socket of IPv6 can have ends of IPv4.
func hasSocket(table string, local, remote netip.AddrPort) bool {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) > 2 && strings.HasSuffix(fields[1], tableForm(local)) && strings.HasSuffix(fields[2], tableForm(remote)) {
			return true
		}
	}
	return false
}

// tableForm writes an address of IPv4 as the kernel's table does: the bytes from
// the last to the first, all in hexadecimal digits.
func tableForm(a netip.AddrPort) string {
	b := a.Addr().Unmap().As4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", b[3], b[2], b[1], b[0], a.Port())
}
