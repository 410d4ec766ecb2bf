// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// dialTimeout bounds one connection attempt, the TLS handshake included.
const dialTimeout = 10 * time.Second

// dialer opens connections to one Docker Engine.
type dialer struct {
	network string // "unix", "tcp", "npipe" or "ssh"
	addr    string
	tls     *tls.Config // nil: plain
	ssh     *sshLink    // of network "ssh" alone
}

// newDialer checks how a host is to be reached. attr is the attribute's path,
// for errors.
func newDialer(attr string, cfg HostConfig) (*dialer, error) {
	if strings.HasPrefix(cfg.Endpoint, "ssh://") {
		link, err := newSSHLink(attr, cfg)
		if err != nil {
			return nil, err
		}
		return &dialer{network: "ssh", addr: link.target.addr, ssh: link}, nil
	}
	if cfg.SSH != nil {
		return nil, fmt.Errorf("%s.ssh: only an ssh:// endpoint uses it, and this one is %s", attr, cfg.Endpoint)
	}
	network, addr, err := parseEndpoint(cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("%s.endpoint: %w", attr, err)
	}
	d := &dialer{network: network, addr: addr}
	if cfg.TLS == nil {
		return d, nil
	}
	if network != "tcp" {
		return nil, fmt.Errorf("%s.tls: only a tcp:// endpoint uses TLS, and this one is %s", attr, cfg.Endpoint)
	}
	if d.tls, err = tlsConfig(attr+".tls", *cfg.TLS, d.host()); err != nil {
		return nil, err
	}
	return d, nil
}

// parseEndpoint splits an endpoint as Docker writes it. Those over ssh are not
// its business.
func parseEndpoint(endpoint string) (network, addr string, err error) {
	scheme, rest, ok := strings.Cut(endpoint, "://")
	if !ok || rest == "" {
		return "", "", fmt.Errorf("%q is not a Docker endpoint: write unix:///var/run/docker.sock, tcp://10.0.0.12:2376 or ssh://ops@10.0.0.11", endpoint)
	}
	switch scheme {
	case "unix", "npipe":
		return scheme, rest, nil
	case "tcp":
		u, err := url.Parse(endpoint)
		if err != nil || u.Hostname() == "" || (u.Path != "" && u.Path != "/") {
			return "", "", fmt.Errorf("%q is not a Docker endpoint: write tcp://<host>:<port>", endpoint)
		}
		if u.Port() == "" {
			return "", "", fmt.Errorf("%q names no port: Docker listens on 2376 with TLS, as in tcp://%s:2376", endpoint, u.Hostname())
		}
		return "tcp", u.Host, nil
	default:
		return "", "", fmt.Errorf("%q: scheme %q is not known: use unix://, tcp:// or ssh://", endpoint, scheme)
	}
}

// tlsConfig reads PEM texts. attr is the attribute's path, for errors; no
// error ever shows a text.
func tlsConfig(attr string, t TLS, serverName string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName}
	if t.CA != "" {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM([]byte(t.CA)) {
			return nil, fmt.Errorf("%s.ca: no PEM certificate in it: give the text of ca.pem, as with file(\"ca.pem\")", attr)
		}
	}
	switch {
	case t.Cert == "" && t.Key == "":
		return cfg, nil
	case t.Cert == "":
		return nil, fmt.Errorf("%s.cert: missing, though %s.key is set: give both or neither", attr, attr)
	case t.Key == "":
		return nil, fmt.Errorf("%s.key: missing, though %s.cert is set: give both or neither", attr, attr)
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(t.Cert)) {
		return nil, fmt.Errorf("%s.cert: no PEM certificate in it: give the text of cert.pem", attr)
	}
	pair, err := tls.X509KeyPair([]byte(t.Cert), []byte(t.Key))
	if err != nil {
		return nil, fmt.Errorf("%s.key: %w", attr, err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, nil
}

// address is the endpoint in the client's terms.
func (d *dialer) address() string { return d.network + "://" + d.addr }

// shown is the endpoint without a secret, for people.
func (d *dialer) shown() string {
	if d.ssh != nil {
		return d.ssh.target.endpoint()
	}
	return d.address()
}

// socket is the path of the engine's socket on its own host, empty when the
// host is not reached by one.
func (d *dialer) socket() string {
	switch d.network {
	case "unix":
		return d.addr
	case "ssh":
		return d.ssh.target.socket
	}
	return ""
}

// host is the host part of a tcp or ssh endpoint, empty for any other.
func (d *dialer) host() string {
	if d.network != "tcp" && d.network != "ssh" {
		return ""
	}
	host, _, _ := net.SplitHostPort(d.addr)
	return host
}

// dial connects, over TLS if the host wants it. It has the signature of
// http.Transport.DialContext, whose network and address it does not need.
func (d *dialer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if d.ssh != nil {
		return d.ssh.dial(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if d.network == "npipe" {
		return dialPipe(ctx, d.addr)
	}
	nd := &net.Dialer{KeepAlive: 30 * time.Second}
	if d.tls != nil {
		return (&tls.Dialer{NetDialer: nd, Config: d.tls}).DialContext(ctx, d.network, d.addr)
	}
	return nd.DialContext(ctx, d.network, d.addr)
}
