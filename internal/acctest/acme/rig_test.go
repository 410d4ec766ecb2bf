// SPDX-License-Identifier: MPL-2.0

package acme_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/docker/go-connections/nat"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/acme"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

const (
	hostname = "learn.example.com"
	// patience with what happens in seconds on a machine that is not busy.
	patience = 2 * time.Minute
)

// object is a part of Caddy's configuration.
type object = map[string]any

// proxy is a Caddy in a container, with its storage in a directory of the test.
type proxy struct {
	docker              *client.Client
	id                  string
	data                string
	httpPort, httpsPort int
}

// image builds the demo image if it is not there yet.
func image(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("../../../tools/images/build", "load-balancer")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("build the demo image: %v\n%s", err, said.String())
	}
	var images map[string]string
	if err := json.Unmarshal(out, &images); err != nil || images["load-balancer"] == "" {
		t.Fatalf("tools/images/build printed %q: %v", out, err)
	}
	return images["load-balancer"]
}

// newProxy chooses the ports and the storage of a Caddy.
func newProxy(t *testing.T) *proxy {
	t.Helper()
	data := t.TempDir()
	if err := os.Chmod(data, 0o777); err != nil { //nolint:gosec // the container has another user
		t.Fatal(err)
	}
	return &proxy{docker: enginetest.Client(t), data: data, httpPort: acme.FreePort(t), httpsPort: acme.FreePort(t)}
}

// config is a configuration with certificates of an authority. Both kinds of
// challenges are on; automation is laid over its settings, issuer over those
// of the issuer.
func config(authority *acme.Server, automation, issuer object) object {
	if issuer == nil {
		issuer = object{}
	}
	issuer["module"], issuer["ca"], issuer["email"] = "acme", authority.Directory, "ops@example.com"
	issuer["trusted_roots_pem_files"] = []string{"/config/ca.pem"}
	settings := object{"policies": []object{{"issuers": []object{issuer}}}}
	for k, v := range automation {
		settings[k] = v
	}
	answer := []object{{"handle": []object{{"handler": "static_response", "body": "served\n"}}}}
	return object{
		"admin":   object{"listen": "unix//tmp/admin.sock", "config": object{"persist": false}},
		"storage": object{"module": "file_system", "root": "/data"},
		"apps": object{
			"tls": object{"automation": settings, "certificates": object{"automate": []string{hostname}}},
			"http": object{"http_port": 80, "https_port": 443, "servers": object{"web": object{
				"listen": []string{":443"}, "routes": answer, "tls_connection_policies": []object{{}},
			}, "plain": object{"listen": []string{":80"}, "routes": answer}}},
		},
	}
}

// start runs the proxy with a configuration, as user 1000.
func (p *proxy) start(t *testing.T, authority *acme.Server, cfg object) {
	t.Helper()
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"caddy.json": string(text), "ca.pem": authority.CA} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the container has another user
		t.Fatal(err)
	}
	publish := func(port int) []nat.PortBinding { return []nat.PortBinding{{HostPort: fmt.Sprint(port)}} }
	made, err := p.docker.ContainerCreate(enginetest.Context(t), &container.Config{
		Image: image(t), User: "1000:1000", Cmd: []string{"caddy", "run", "--config", "/config/caddy.json"},
		ExposedPorts: nat.PortSet{"80/tcp": {}, "443/tcp": {}},
	}, &container.HostConfig{
		Binds: []string{dir + ":/config:ro", p.data + ":/data"}, CapDrop: []string{"ALL"}, CapAdd: []string{"NET_BIND_SERVICE"},
		PortBindings: nat.PortMap{"80/tcp": publish(p.httpPort), "443/tcp": publish(p.httpsPort)},
	}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	p.id = made.ID
	t.Cleanup(func() { p.remove(t, made.ID) })
	if err := p.docker.ContainerStart(enginetest.Context(t), p.id, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
}

// remove shows the container's log if the test failed.
func (p *proxy) remove(t *testing.T, id string) {
	if t.Failed() {
		t.Logf("Caddy's log:\n%s", p.log(t, id))
	}
	if err := p.docker.ContainerRemove(enginetest.Context(t), id, container.RemoveOptions{Force: true}); err != nil {
		t.Errorf("remove the container: %v", err)
	}
}

func (p *proxy) log(t *testing.T, id string) string {
	r, err := p.docker.ContainerLogs(enginetest.Context(t), id, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	var out strings.Builder
	_, _ = stdcopy.StdCopy(&out, &out, io.LimitReader(r, 1<<20))
	return out.String()
}

// stop ends the container as a restart of its host does.
func (p *proxy) stop(t *testing.T) {
	t.Helper()
	if err := p.docker.ContainerStop(enginetest.Context(t), p.id, container.StopOptions{}); err != nil {
		t.Fatal(err)
	}
}

// reload gives the running proxy a configuration, also one that it has.
func (p *proxy) reload(t *testing.T) {
	t.Helper()
	ctx := enginetest.Context(t)
	made, err := p.docker.ContainerExecCreate(ctx, p.id, container.ExecOptions{
		Cmd: []string{"caddy", "reload", "--config", "/config/caddy.json", "--force"}, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := p.docker.ContainerExecAttach(ctx, made.ID, container.ExecAttachOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var out strings.Builder
	_, _ = stdcopy.StdCopy(&out, &out, conn.Reader)
	if r, err := p.docker.ContainerExecInspect(ctx, made.ID); err != nil || r.ExitCode != 0 {
		t.Fatalf("reload: exit code %d, %v\n%s", r.ExitCode, err, out.String())
	}
}

// shown is the certificate that a visitor is shown and that a root of the
// authority vouches for; nil when there is none.
func (p *proxy) shown(authority *acme.Server) *x509.Certificate {
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 2 * time.Second}, Config: &tls.Config{ServerName: hostname, RootCAs: authority.Pool()}}
	c, err := dialer.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.httpsPort))
	if err != nil {
		return nil
	}
	defer c.Close()
	conn, ok := c.(*tls.Conn)
	if !ok {
		return nil
	}
	return conn.ConnectionState().PeerCertificates[0]
}

// served waits until visitors are shown a certificate that is accepted.
func (p *proxy) served(t *testing.T, authority *acme.Server, accept func(*x509.Certificate) bool) *x509.Certificate {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if c := p.shown(authority); c != nil && accept(c) {
			return c
		}
	}
	t.Fatalf("no such certificate is shown within %s", patience)
	return nil
}

// stored are the files of the certificate in the proxy's storage.
func (p *proxy) stored(t *testing.T, extension string) []byte {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(p.data, "certificates", "*", hostname, hostname+extension))
	if err != nil || len(found) != 1 {
		t.Fatalf("the storage has %v: %v", found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func whichever(*x509.Certificate) bool { return true }

// other accepts every certificate but one.
func other(than *x509.Certificate) func(*x509.Certificate) bool {
	return func(c *x509.Certificate) bool { return c.SerialNumber.Cmp(than.SerialNumber) != 0 }
}

// waitFor waits for a condition.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not come within %s", what, patience)
		}
	}
}

func port(p int) string { return fmt.Sprint(p) }
