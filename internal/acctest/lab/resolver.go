// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
)

// resolver is the DNS server of the hosts, which knows no name at all. Without one,
// Docker waits long for an answer about each name that it does not know itself, such
// as that of a service without replicas.
type resolver struct {
	port   port
	server daemon
}

func newResolver(l *Lab) *resolver {
	dir := filepath.Join(l.Dir, "resolver")
	return &resolver{l.port("dns", 3), daemon{"dnsmasq", dir}}
}

func (r *resolver) address() string { return r.port.address.String() }

func (r *resolver) prepare(context.Context, *authority) error { return writeAll(r.server.dir, nil) }

// Start starts the resolver, unless it runs.
func (r *resolver) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := r.start(ctx); err != nil {
		return fmt.Errorf("start the resolver: %w", err)
	}
	return nil
}

func (r *resolver) start(ctx context.Context) error {
	if err := r.port.plug(ctx); err != nil {
		return err
	}
	if !r.server.process().alive() {
		err := r.server.start("nsenter", "--net="+r.port.netns(), "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
			"--user=root", "--pid-file=", "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address="+r.address(), "--address=/#/")
		if err != nil {
			return err
		}
	}
	asks := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(r.address(), "53"))
	}}
	return r.server.await(ctx, func(ctx context.Context) error {
		_, err := asks.LookupHost(ctx, "none.test.")
		var answer *net.DNSError
		if errors.As(err, &answer) && answer.IsNotFound {
			return nil
		}
		return fmt.Errorf("it does not say that there is no such name: %w", err)
	})
}

func (r *resolver) powerOff(ctx context.Context) error {
	return r.port.vacate(ctx, "resolver")
}
