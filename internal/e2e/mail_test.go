// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/emersion/go-msgauth/dkim"
	"go.yaml.in/yaml/v4"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

const (
	relayName = "smtp.relay.test"
	mailer    = "mailer-1"
	// exim is how the mailer's program is called by hand.
	exim = "exim -C /portal/config/exim.conf "
)

// post is a portal that has a mailer, and somebody who sends mail.
type post struct {
	*bed
	images    string
	key       *rsa.PrivateKey
	keyText   string
	trusted   *authority
	first     *sink // by STARTTLS
	second    *sink // with TLS from the start
	traceFile string
}

// TestMail sends through the mailer of the built-in blueprint alone.
func TestMail(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	p := newPost(t)
	p.apply(t, relayOf(relayName, p.first, "starttls", p.trusted), 1, p.first.password)
	p.noChange(t)
	t.Run("relay with login, TLS and DKIM", p.testRelay)
	t.Run("queue outlives restarts", p.testQueue)
	if acctest.Thorough {
		t.Run("wrong password", p.testWrongPassword)
		t.Run("another authority", p.testAnotherAuthority)
		t.Run("TLS from the start", p.testImplicitTLS)
	}
	t.Run("secrets", p.testSecrets)
	p.tf.Destroy(t)
}

func newPost(t *testing.T) *post {
	t.Helper()
	var images map[string]string
	if err := json.Unmarshal([]byte(demoImages(t)), &images); err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	b := newBed(t)
	p := &post{bed: b, key: key, trusted: newAuthority(t), traceFile: filepath.Join(t.TempDir(), "trace.log")}
	p.images = fmt.Sprintf("{ mailer = %q, edxapp = %q }", images["mailer"], images["edxapp"])
	p.keyText = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	p.first = newSink(t, b.Docker, p.trusted.server(t, relayName), false)
	p.second = newSink(t, b.Docker, p.trusted.server(t, relayName), true)
	p.takeMailer(t)
	return p
}

// takeMailer makes a blueprint of the built-in mailer, which finds the relay by
// its name, and of a container to send from.
func (p *post) takeMailer(t *testing.T) {
	t.Helper()
	const builtin = "../blueprint/private-portal"
	text, err := os.ReadFile(filepath.Join(builtin, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var from struct {
		Services, Configs, Secrets, Volumes map[string]any
	}
	if err := yaml.Unmarshal(text, &from); err != nil {
		t.Fatal(err)
	}
	service, ok := from.Services["mailer"].(map[string]any)
	if !ok {
		t.Fatalf("the built-in blueprint's mailer is %v", from.Services["mailer"])
	}
	service["extra_hosts"] = []string{relayName + ":" + bridgeAddress(t, p.Docker)}
	made, err := yaml.Marshal(map[string]any{
		"services": map[string]any{
			"mailer": service,
			"lms": map[string]any{
				"x-portal": map[string]any{"role": "edxapp"}, "user": "1000:1000", "init": true,
				"entrypoint": []string{"sleep", "infinity"}, "stop_grace_period": "1s",
			},
		},
		"configs": named(from.Configs, service["configs"]),
		"secrets": named(from.Secrets, service["secrets"]),
		"volumes": map[string]any{"mailer": from.Volumes["mailer"]},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.Blueprint, "compose.yaml"), made, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(p.Blueprint, "config"), os.DirFS(filepath.Join(builtin, "config"))); err != nil {
		t.Fatal(err)
	}
}

// named are the objects that a service's references name.
func named(objects map[string]any, references any) map[string]any {
	used := map[string]any{}
	for _, ref := range references.([]any) {
		name := ref.(map[string]any)["source"].(string)
		used[name] = objects[name]
	}
	return used
}

// relayOf describes a sink as a relay whose certificate an authority signed.
func relayOf(host string, s *sink, tls string, signed *authority) string {
	return fmt.Sprintf("host = %q\n port = %s\n tls = %q\n ca = %q\n username = %q", host, s.port(), tls, signed.pem, s.user)
}

// apply gives the portal a relay, and a password in a version.
func (p *post) apply(t *testing.T, relay string, version int, password string) {
	t.Helper()
	p.tf.Write(t, p.Config(fmt.Sprintf(`
  images = %s
  mail = {
    from  = "noreply@acme.test"
    relay = {
      %s
      password_wo         = var.password
      password_wo_version = %d
    }
    dkim = { selector = "portal1", private_key_wo = var.key, private_key_wo_version = 1 }
  }`, p.images, relay, version))+`
variable "password" {
  type      = string
  ephemeral = true
}
variable "key" {
  type      = string
  ephemeral = true
}
`)
	p.tf = p.tf.With("TF_VAR_password="+password, "TF_VAR_key="+p.keyText, "TF_LOG=trace", "TF_LOG_PATH="+p.traceFile)
	p.tf.Apply(t)
}

// send sends a mail as Open edX does, from a container beside the mailer.
func (p *post) send(t *testing.T, subject string) {
	t.Helper()
	out, code := p.Exec(t, "lms-1", "python3", "-c", `
import smtplib, sys
from email.message import EmailMessage
m = EmailMessage()
m["From"], m["To"], m["Reply-To"] = "Acme Academy <registration@elsewhere.test>", "ann@learner.test", "tutor@acme.test"
m["Subject"] = sys.argv[1]
m.set_content("Welcome.\n")
with smtplib.SMTP("mailer", 8025, timeout=20) as s:
    s.send_message(m)
`, subject)
	if code != 0 {
		t.Fatalf("the mail was not taken: %s", out)
	}
}

// queued is the number of mails in the mailer's queue.
func (p *post) queued(t *testing.T) string {
	t.Helper()
	_, out := p.exec(t, mailer, exim+"-bpc")
	return out
}

func (p *post) logs(t *testing.T, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%q in the mailer's log", text), func() bool { return strings.Contains(p.Log(t, mailer), text) })
}

func (p *post) testRelay(t *testing.T) {
	p.send(t, "over STARTTLS")
	got := p.first.await(t)
	if got.user != p.first.user || got.from != "noreply@acme.test" || len(got.to) != 1 || got.to[0] != "ann@learner.test" {
		t.Errorf("%s sent from %s to %v", got.user, got.from, got.to)
	}
	m, err := mail.ReadMessage(bytes.NewReader(got.data))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"From": "Acme Academy <noreply@acme.test>", "Reply-To": "tutor@acme.test", "Subject": "over STARTTLS", "Received": "",
	} {
		if value := m.Header.Get(name); value != want {
			t.Errorf("%s is %q instead of %q", name, value, want)
		}
	}
	p.signed(t, got.data)
}

// signed verifies a mail's signature with the public key of ours.
func (p *post) signed(t *testing.T, data []byte) {
	t.Helper()
	public, err := x509.MarshalPKIXPublicKey(&p.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	found, err := dkim.VerifyWithOptions(bytes.NewReader(data), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) {
			if name != "portal1._domainkey.acme.test" {
				return nil, &net.DNSError{Err: "no such record", Name: name, IsNotFound: true}
			}
			return []string{"v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)}, nil
		},
	})
	if err != nil || len(found) != 1 || found[0].Err != nil || found[0].Domain != "acme.test" {
		t.Errorf("signatures: %+v, %v\n%s", found, err, data)
	}
}

func (p *post) testWrongPassword(t *testing.T) {
	p.apply(t, relayOf(relayName, p.first, "starttls", p.trusted), 2, "n0t-the-passw0rd")
	if given, _ := filepath.Glob(filepath.Join(p.Directory(), "secrets/given/*password*")); len(given) != 1 || filepath.Base(given[0]) != "portal-mail-password-v2" {
		t.Errorf("the passwords on the drive are %v", given)
	}
	p.send(t, "with a wrong password")
	p.logs(t, "535 ")
	if got := p.first.take(); len(got) > 0 || p.queued(t) != "1" {
		t.Errorf("%d mails arrived, and %s are queued", len(got), p.queued(t))
	}
	if log := p.Log(t, mailer); strings.Contains(log, "n0t-the-passw0rd") {
		t.Errorf("the log shows the password:\n%s", log)
	}
}

func (p *post) testAnotherAuthority(t *testing.T) {
	p.apply(t, relayOf(relayName, p.first, "starttls", newAuthority(t)), 3, p.first.password)
	p.send(t, "to somebody else")
	p.logs(t, "certificate verification failed")
	if got := p.first.take(); len(got) > 0 || p.queued(t) != "2" {
		t.Errorf("%d mails arrived, and %s are queued", len(got), p.queued(t))
	}
}

// The relay is away, the mailer is restarted, the relay is back: the mail goes
// out without anybody's doing.
func (p *post) testQueue(t *testing.T) {
	p.first.stop()
	p.send(t, "while nobody listens")
	p.logs(t, "Connection refused")
	if err := p.Docker.ContainerRestart(enginetest.Context(t), p.Container(mailer), container.StopOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := p.queued(t); n != "1" {
		t.Errorf("%s mails are queued", n)
	}
	p.first.start(t)
	p.signed(t, p.first.await(t).data)
	eventually(t, "the end of the queue", func() bool { return p.queued(t) == "0" })
}

func (p *post) testImplicitTLS(t *testing.T) {
	p.apply(t, relayOf(relayName, p.second, "tls", p.trusted), 3, p.second.password)
	// What has waited goes out by this mailer, here at once.
	p.exec(t, mailer, exim+"-qff")
	got := p.second.take()
	for _, l := range got {
		if l.user != p.second.user {
			t.Errorf("it was sent by %q", l.user)
		}
		p.signed(t, l.data)
	}
	if n := p.queued(t); len(got) != 2 || n != "0" {
		t.Errorf("%d mails arrived, and %s are queued", len(got), n)
	}
}

// The password and the key are in two files on the drive, and nowhere else.
func (p *post) testSecrets(t *testing.T) {
	plan := p.tf.Plan(t)
	trace, err := os.ReadFile(p.traceFile)
	if err != nil {
		t.Fatal(err)
	}
	inspect, err := json.Marshal(p.Inspect(t, mailer))
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{
		"the plan": plan.Text, "the plan in JSON": plan.JSON, "the state": p.tf.State(t), "the trace": string(trace),
		"docker inspect": string(inspect), "docker logs": p.Log(t, mailer), "the manifest": p.read(t, "portal.json"),
		"the record": p.read(t, "records", "stack.json"),
	}
	inside := strings.Split(p.keyText, "\n")[1]
	for place, text := range places {
		if text == "" || strings.Contains(text, p.first.password) || strings.Contains(text, inside) {
			t.Errorf("%s shows a secret, or nothing at all", place)
		}
	}
	for name, want := range map[string]string{"portal-mail-password-v3": p.first.password, "portal-mail-dkim-key-v1": p.keyText} {
		if p.read(t, "secrets/given", name) != want {
			t.Errorf("%s is not what was given", name)
		}
		info, err := os.Stat(filepath.Join(p.Directory(), "secrets/given", name))
		if err != nil || info.Mode().Perm() != 0o400 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// What Open edX itself sends goes through the relay. Without a sender of its own
// the mailer alone is replaced.
func (a *academy) testMail(t *testing.T) {
	trusted := newAuthority(t)
	host := bridgeAddress(t, a.Docker)
	s := newSink(t, a.Docker, trusted.server(t, host), false)
	mail := fmt.Sprintf("mail = { relay = {\n%s\n password_wo = %q\n password_wo_version = 1 } }\n services", relayOf(host, s, "starttls", trusted), s.password)
	a.tf.Write(t, strings.Replace(a.config(""), "services", mail, 1))
	a.only(t, a.tf.Plan(t), "mailer")
	a.tf.Apply(t)
	out, code := a.Exec(t, "lms-1", "python3", "manage.py", "shell", "-c",
		`from django.core.mail import send_mail; send_mail("Activate", "Welcome.", None, ["ann@learner.test"])`)
	if code != 0 {
		t.Fatalf("the lms could not send: %s", out)
	}
	if got := s.await(t); got.user != s.user || got.from != "noreply@"+a.domain || !bytes.Contains(got.data, []byte("Subject: Activate")) {
		t.Errorf("%s sent from %s:\n%s", got.user, got.from, got.data)
	}
	a.tf.Write(t, a.config(""))
	a.tf.Apply(t)
	a.noChange(t)
}
