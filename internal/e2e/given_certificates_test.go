// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// TestGivenCertificates has a portal with a certificate of the user's own.
func TestGivenCertificates(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ca := newAuthority(t)
	trace := filepath.Join(t.TempDir(), "trace.log")
	http, https := freePort(t), freePort(t)
	config := func(chain string, more string) string {
		return s.alone(fmt.Sprintf(`
  http_port  = %d
  https_port = %d
  %s
  tls = {
    mode         = "files"
    certificates = { main = { certificate = %q, private_key_wo = var.key } }
  }`, http, https, more, chain)) + "variable \"key\" {\n  type      = string\n  ephemeral = true\n}\n"
	}
	with := func(key string) *acctest.Terraform {
		return s.tf.With("TF_VAR_key="+key, "TF_LOG=trace", "TF_LOG_PATH="+trace)
	}
	chain, key := ca.pair(t, s.domain, s.studio())
	other, otherKey := ca.pair(t, s.domain, s.studio())

	s.tf.Write(t, config(chain, ""))
	r := with(otherKey).Run(t, "plan", "-input=false", "-no-color")
	if r.ExitCode == 0 {
		t.Errorf("the plan accepts the key of another certificate:\n%s", r.Output)
	}
	says(t, r, "The key does not belong to the certificate", "main")
	s.tf.Write(t, config(chain, `aliases = ["elsewhere.test"]`))
	r = with(key).Run(t, "plan", "-input=false", "-no-color")
	if r.ExitCode == 0 {
		t.Errorf("the plan accepts a hostname without a certificate:\n%s", r.Output)
	}
	says(t, r, "A hostname has no certificate", "elsewhere.test")

	s.tf.Write(t, config(chain, ""))
	tf := with(key)
	tf.Apply(t)
	served := func() string {
		roots := x509.NewCertPool()
		roots.AddCert(ca.cert)
		conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", https), &tls.Config{ServerName: s.domain, RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw}))
	}
	if served() != chain {
		t.Error("another certificate is served")
	}
	s.onTheDrive(t, chain, key)
	s.nowhereElse(t, tf, trace, key)

	// Another one is taken up by the running load balancer.
	before := s.Started(t)
	s.tf.Write(t, config(other, ""))
	tf = with(otherKey)
	tf.Apply(t)
	if served() != other {
		t.Error("the former certificate is served")
	}
	s.untouched(t, before)
	s.onTheDrive(t, other, otherKey)
	s.nowhereElse(t, tf, trace, otherKey)
	if r := tf.Run(t, "plan", "-detailed-exitcode", "-input=false", "-no-color"); r.ExitCode != 0 {
		t.Errorf("the plan is not empty: exit code %d\n%s", r.ExitCode, r.Output)
	}

	// It is there again when the load balancer has started again.
	s.Stop(t, "load-balancer-1")
	tf.Apply(t)
	if served() != other {
		t.Error("another certificate is served after a restart")
	}
	tf.Destroy(t)
}

// pair is a certificate of the authority for hostnames, and its key, in PEM form.
func (a *authority) pair(t *testing.T, hosts ...string) (chain, key string) {
	t.Helper()
	private, der := issue(t, &x509.Certificate{DNSNames: hosts}, a)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// onTheDrive asserts that the certificate and its key, which only the load
// balancer's user reads, are beside its configuration, and no other.
func (s *site) onTheDrive(t *testing.T, chain, key string) {
	t.Helper()
	folder := filepath.Join(s.Directory(), "ingress")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range entries {
		end := filepath.Ext(e.Name())
		if found[end] != "" {
			t.Errorf("there is one more: %s", e.Name())
		}
		found[end] = s.read(t, "ingress", e.Name())
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		owner := info.Sys().(*syscall.Stat_t)
		if end == ".key" && (info.Mode().Perm() != 0o400 || owner.Uid != 1000) {
			t.Errorf("%s is %v, of %d", e.Name(), info.Mode(), owner.Uid)
		}
	}
	if len(found) != 3 || found[".key"] != key || found[".pem"] != chain || found[".json"] == "" {
		t.Errorf("%s holds %v", folder, entries)
	}
}

// nowhereElse asserts that no line of a key is anywhere else.
func (s *site) nowhereElse(t *testing.T, tf *acctest.Terraform, trace, key string) {
	t.Helper()
	plan := tf.Plan(t)
	log, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{
		"the plan": plan.Text, "the plan in JSON": plan.JSON, "the state": tf.State(t), "the trace": string(log),
		"the manifest": s.read(t, "portal.json"), "the record": s.read(t, "records", "stack.json"),
		"the configuration": s.read(t, "ingress", "config.json"),
	}
	files, err := filepath.Glob(filepath.Join(s.tf.Dir, "*.tfstate*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the state's files: %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		places[filepath.Base(file)] = string(text)
	}
	for _, member := range s.Members(t) {
		inspect, err := json.Marshal(s.Inspect(t, member))
		if err != nil {
			t.Fatal(err)
		}
		places["docker inspect "+member], places["docker logs "+member] = string(inspect), "log:"+s.Log(t, member)
	}
	lines := slices.DeleteFunc(strings.Split(key, "\n"), func(line string) bool { return line == "" || strings.HasPrefix(line, "-----") })
	for place, text := range places {
		if text == "" {
			t.Errorf("%s is empty: nothing was searched", place)
		}
		for _, line := range lines {
			if strings.Contains(text, line) {
				t.Errorf("%s shows the key", place)
			}
		}
	}
}
