// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// pair is the gateways of two hosts, each in networks of its own but for the one
// that stands for the network between the hosts, with a portal on each host.
type pair struct {
	prefix, image string
	ports         map[string]int
}

// TestGatewaysOfTwoHosts: each gateway leads to the portals of both hosts, tells
// the other who the visitor is, and takes requests from nobody but the other.
func TestGatewaysOfTwoHosts(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	acctest.PreCheck(t)
	enginetest.Client(t)
	p := newPair(t)
	for host := range p.ports {
		for _, portal := range []string{"acme", "globex"} {
			eventually(t, portal+" by the gateway of "+host, func() bool {
				return strings.HasPrefix(p.get(t, host, "learn."+portal+".test"), portal+" ")
			})
			if got := p.get(t, host, "learn."+portal+".test"); strings.Contains(got, "6.6.6.6") || !strings.Contains(got, "for=") {
				t.Errorf("%s by %s heard of the visitor: %q", portal, host, got)
			}
		}
		if got := p.get(t, host, "learn.initech.test"); !strings.Contains(got, "No portal answers") {
			t.Errorf("%s answers for a portal of nobody: %q", host, got)
		}
	}
	out, _ := exec.Command("docker", "exec", p.prefix+"-gw-a", "wget", "--no-check-certificate", "-q", "-O", "-",
		"--header=Host: learn.globex.test", fmt.Sprintf("https://%s-gw-b:%d/", p.prefix, ingress.RelayPort)).CombinedOutput()
	if strings.Contains(string(out), "globex") {
		t.Errorf("the relay answers somebody without a certificate: %s", out)
	}
}

func newPair(t *testing.T) *pair {
	t.Helper()
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		t.Fatal(err)
	}
	p := &pair{prefix: "acc-" + hex.EncodeToString(random[:]), image: loadBalancerImage(t), ports: map[string]int{"a": freePort(t), "b": freePort(t)}}
	folder := t.TempDir()
	data := filepath.Join(folder, "data")
	if err := os.MkdirAll(data, 0o777); err != nil {
		t.Fatal(err)
	}
	p.docker(t, "network", "create", p.prefix+"-between")
	t.Cleanup(func() { _ = exec.Command("docker", "network", "rm", p.prefix+"-between").Run() })
	sites := []ingress.Site{
		{Portal: "acme", Hostnames: []string{"learn.acme.test"}, Host: "a"}, {Portal: "globex", Hostnames: []string{"learn.globex.test"}, Host: "b"},
	}
	// One after the other, as the provider does it: the first makes the authority.
	p.host(t, folder, ingress.Gateway{Host: "a", Peers: map[string]string{"b": p.prefix + "-gw-b"}, Sites: sites}, "acme")
	p.host(t, folder, ingress.Gateway{Host: "b", Peers: map[string]string{"a": p.prefix + "-gw-a"}, Sites: sites}, "globex")
	return p
}

// host starts the gateway of a host, and what stands for the load balancer of a
// portal there: it says its name and what it hears of the visitor.
func (p *pair) host(t *testing.T, folder string, g ingress.Gateway, portal string) {
	t.Helper()
	edge, gateway, balancer := p.prefix+"-edge-"+g.Host, p.prefix+"-gw-"+g.Host, p.prefix+"-"+portal
	p.docker(t, "network", "create", "--internal", edge)
	t.Cleanup(func() { _ = exec.Command("docker", "network", "rm", edge).Run() })
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := exec.Command("docker", "logs", gateway).CombinedOutput()
			t.Logf("%s:\n%s", gateway, log)
		}
		_ = exec.Command("docker", "rm", "-f", gateway, balancer).Run()
	})
	g.Folder, g.Spec = "/portal/ingress", stack.GatewaySpec{Name: "front", RelayPort: ingress.RelayPort}
	config := filepath.Join(folder, g.Host+".json")
	if err := os.WriteFile(config, ingress.RenderGateway(g), 0o644); err != nil {
		t.Fatal(err)
	}
	echo := filepath.Join(folder, portal+".json")
	text := fmt.Sprintf(`{"apps":{"http":{"servers":{"s":{"listen":[":%d"],"automatic_https":{"disable":true},"routes":[{"handle":[{"handler":"static_response","body":"%s for={http.request.header.X-Forwarded-For}"}]}]}}}}}`, ingress.HTTPPort, portal)
	if err := os.WriteFile(echo, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	caps := []string{"--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE"}
	p.docker(t, append(append([]string{"run", "-d", "--name", balancer, "--network", edge, "--network-alias", stack.EdgeAlias(portal), "-v", echo + ":/c.json:ro"}, caps...),
		p.image, "caddy", "run", "--config", "/c.json")...)
	p.docker(t, append(append([]string{
		"create", "--name", gateway, "--network", p.prefix + "-between", "-p", fmt.Sprintf("127.0.0.1:%d:%d", p.ports[g.Host], ingress.HTTPPort),
		"-v", config + ":/c.json:ro", "-v", filepath.Join(folder, "data") + ":/data",
	}, caps...), p.image, "caddy", "run", "--config", "/c.json")...)
	p.docker(t, "network", "connect", edge, gateway)
	p.docker(t, "start", gateway)
	eventually(t, "the gateway of "+g.Host, func() bool { return p.get(t, g.Host, "nobody.test") != "" })
}

func (p *pair) docker(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("docker", args...).CombinedOutput(); err != nil {
		t.Fatalf("docker %v: %v\n%s", args, err, out)
	}
}

// get asks the gateway of a host for a hostname, as somebody who claims to be
// somebody else. It is empty when nobody answers.
func (p *pair) get(t *testing.T, host, name string) string {
	t.Helper()
	r := plain(t, p.ports[host], name)
	r.Header.Set("X-Forwarded-For", "6.6.6.6")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
