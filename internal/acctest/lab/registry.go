// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// registryUser is who the registry lets in.
const registryUser = "ci"

// Registry is Debian's docker-registry. It shows nothing to who gives no
// password.
type Registry struct {
	// Address begins the references of its images: 10.77.0.2:5000.
	Address string
	// Username and Password let in.
	Username, Password string

	dir    string
	port   port
	server daemon
}

func newRegistry(l *Lab) *Registry {
	dir := filepath.Join(l.Dir, "registry")
	port := l.port("reg", 2)
	return &Registry{
		Address:  net.JoinHostPort(port.address.String(), "5000"),
		Username: registryUser, Password: l.state.Password,
		dir: dir, port: port, server: daemon{"docker-registry", dir},
	}
}

func (r *Registry) file(name string) string { return filepath.Join(r.dir, name) }

func (r *Registry) prepare(_ context.Context, ca *authority) error {
	if err := ca.issueServer(r.dir, "registry", r.port.address); err != nil {
		return err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(r.Password), bcrypt.MinCost)
	if err != nil {
		return fmt.Errorf("hash the registry's password: %w", err)
	}
	type object = map[string]any
	config, err := json.Marshal(object{ // JSON is YAML
		"version": "0.1",
		"storage": object{"filesystem": object{"rootdirectory": r.file("images")}, "delete": object{"enabled": true}},
		"http":    object{"addr": r.Address, "tls": object{"certificate": r.file("cert.pem"), "key": r.file("key.pem")}},
		"auth":    object{"htpasswd": object{"realm": "lab", "path": r.file("htpasswd")}},
	})
	if err != nil {
		return err
	}
	return writeAll(r.dir, map[string][]byte{
		"htpasswd": fmt.Appendf(nil, "%s:%s\n", r.Username, hash), "config.yml": config,
	})
}

// Start starts the registry, unless it runs.
func (r *Registry) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := r.start(ctx); err != nil {
		return fmt.Errorf("start the registry: %w", err)
	}
	return nil
}

func (r *Registry) start(ctx context.Context) error {
	if err := r.port.plug(ctx); err != nil {
		return err
	}
	if !r.server.process().alive() {
		if err := r.server.start("nsenter", "--net="+r.port.netns(), "docker-registry", "serve", r.file("config.yml")); err != nil {
			return err
		}
	}
	c, err := r.client()
	if err != nil {
		return err
	}
	defer c.CloseIdleConnections()
	return r.server.await(ctx, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+r.Address+"/v2/", http.NoBody)
		if err != nil {
			return err
		}
		response, err := c.Do(request)
		if err != nil {
			return err
		}
		return response.Body.Close()
	})
}

// client trusts the registry.
func (r *Registry) client() (*http.Client, error) {
	ca, err := os.ReadFile(r.file("ca.pem"))
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(ca)
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}, nil
}

// Stop ends the registry. It keeps its images; Start starts it again.
func (r *Registry) Stop(ctx context.Context) error { return r.powerOff(ctx) }

func (r *Registry) powerOff(ctx context.Context) error {
	return r.port.vacate(ctx, "registry")
}
