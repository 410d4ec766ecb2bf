// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEntrance is about what a load balancer does for a portal that has it for
// itself, with certificates of its own authority.
func TestEntrance(t *testing.T) {
	t.Parallel()
	e := &entrance{site: newSite(t), http: freePort(t), https: freePort(t)}
	e.tf.Write(t, e.config("", ""))
	e.tf.Apply(t)
	e.noChange(t)
	e.visitor = &visitor{
		plain: fmt.Sprintf("127.0.0.1:%d", e.http), secure: fmt.Sprintf("127.0.0.1:%d", e.https),
		roots: internalAuthority(t, e.Directory(), "data/load-balancer"),
	}
	t.Run("HTTP/2", e.testHTTP2)
	t.Run("compressed answers", e.testCompressed)
	t.Run("access log", e.testLog)
	t.Run("long connections", e.testLong)
	t.Run("maintenance", e.testMaintenance)
	e.tf.Destroy(t)
}

type entrance struct {
	*site
	*visitor
	http, https int
}

// config is the portal with more attributes, and more resources.
func (e *entrance) config(attributes, more string) string {
	return e.alone(fmt.Sprintf("http_port = %d\n https_port = %d\n tls = { mode = \"internal\" }\n %s", e.http, e.https, attributes)) + more
}

func (e *entrance) testHTTP2(t *testing.T) {
	resp, err := e.visitor.http().Get("https://" + e.domain + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Errorf("%s is spoken", resp.Proto)
	}
	if got, want := resp.Header.Get("Alt-Svc"), fmt.Sprintf(`h3=":%d"; ma=86400`, e.https); got != want {
		t.Errorf("Alt-Svc is %q instead of %q", got, want)
	}
	if udp := e.port(t, "8443/udp"); udp != fmt.Sprint(e.https) {
		t.Errorf("HTTP/3 is published at %s", udp)
	}
}

func (e *entrance) testCompressed(t *testing.T) {
	for _, tt := range []struct {
		size           int
		accepted, want string
	}{
		{10000, "gzip", "gzip"},
		{10000, "zstd", "zstd"},
		{10000, "gzip, deflate, br, zstd", "zstd"},
		{10000, "br", ""},
		{10000, "", ""},
		{100, "gzip, zstd", ""},
	} {
		a := e.open(t, e.domain, fmt.Sprintf("/text/%d", tt.size), "Accept-Encoding", tt.accepted)
		if got := a.header.Get("Content-Encoding"); got != tt.want {
			t.Errorf("%d bytes for one who accepts %q are encoded as %q", tt.size, tt.accepted, got)
			continue
		}
		switch tt.want {
		case "":
			if len(a.body) != tt.size {
				t.Errorf("%d bytes came instead of %d", len(a.body), tt.size)
			}
		case "gzip":
			r, err := gzip.NewReader(strings.NewReader(a.body))
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(r); err != nil || len(text) != tt.size {
				t.Errorf("%d bytes came instead of %d, %v", len(text), tt.size, err)
			}
			fallthrough
		default:
			if len(a.body) > tt.size/5 || !strings.Contains(a.header.Get("Vary"), "Accept-Encoding") {
				t.Errorf("%s: %d bytes for %d, Vary is %q", tt.want, len(a.body), tt.size, a.header.Get("Vary"))
			}
		}
	}
}

// Requests are lines of JSON on standard output, without what lets somebody in.
func (e *entrance) testLog(t *testing.T) {
	e.open(t, e.domain, "/logged?who=me", "Cookie", "session=opensesame", "Authorization", "Bearer opensesame", "User-Agent", "tester")
	var entry struct {
		Level, Logger string
		Status        int
		Request       struct {
			Method, Host, URI string
			Headers           http.Header
		}
	}
	eventually(t, "the request in the log", func() bool {
		return slices.ContainsFunc(strings.Split(e.Log(t, "load-balancer-1"), "\n"), func(line string) bool {
			return strings.Contains(line, "/logged") && json.Unmarshal([]byte(line), &entry) == nil
		})
	})
	if entry.Status != 200 || entry.Request.Host != e.domain || entry.Request.URI != "/logged?who=me" || entry.Request.Headers.Get("User-Agent") != "tester" {
		t.Errorf("the entry is %+v", entry)
	}
	if log := e.Log(t, "load-balancer-1"); strings.Contains(log, "opensesame") {
		t.Errorf("the log lets people in:\n%s", log)
	}
}

// A WebSocket and an answer without end live on while the load balancer loads
// routes that came and went.
func (e *entrance) testLong(t *testing.T) {
	before := e.Started(t)
	socket := e.socket(t)
	stream, err := (&http.Client{Transport: e.visitor.http().Transport}).Get("https://" + e.domain + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	next := func() {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the stream ended: %v", lines.Err())
		}
	}
	said := func(text string) {
		t.Helper()
		_ = socket.SetDeadline(time.Now().Add(patience))
		got := make([]byte, len(text))
		if _, err := io.WriteString(socket, text); err != nil {
			t.Fatalf("the WebSocket: %v", err)
		}
		if _, err := io.ReadFull(socket, got); err != nil || string(got) != text {
			t.Fatalf("the WebSocket says %q, %v", got, err)
		}
	}
	said("before")
	next()
	e.tf.Write(t, e.config("", fmt.Sprintf(`
resource "portal_service" "chat" {
  portal = portal.site.name
  name   = "chat"
  image  = %q
  user   = "1000:1000"
  routes = [{ host = "chat.%s", port = 8000 }]
}
`, echoImage(t), e.domain)))
	e.tf.Apply(t)
	eventually(t, "the new hostname", func() bool {
		a, err := e.ask(request(t, http.MethodGet, "https://chat."+e.domain+"/", nil))
		return err == nil && a.status == http.StatusOK
	})
	said("after")
	next()
	e.tf.Write(t, e.config("", ""))
	e.tf.Apply(t)
	said("at last")
	next()
	e.untouched(t, before)
}

// socket opens a WebSocket, past its handshake.
func (e *entrance) socket(t *testing.T) net.Conn {
	t.Helper()
	conn, err := (&place{site: e.site, visitor: e.visitor, scheme: "https"}).dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", e.domain)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	answer := ""
	for b := make([]byte, 1); !strings.HasSuffix(answer, "\r\n\r\n"); answer += string(b) {
		if _, err := io.ReadFull(conn, b); err != nil {
			t.Fatalf("the handshake: %v after %q", err, answer)
		}
	}
	if !strings.HasPrefix(answer, "HTTP/1.1 101 ") {
		t.Fatalf("the handshake is answered %q", answer)
	}
	return conn
}

// While a portal is down on purpose everybody is told so, and nothing else of it
// changes.
func (e *entrance) testMaintenance(t *testing.T) {
	before := e.Started(t)
	e.tf.Write(t, e.config("maintenance = true", ""))
	e.tf.Apply(t)
	for _, host := range []string{e.domain, e.studio()} {
		a := e.open(t, host, "/any")
		if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "Down for maintenance") || a.header.Get("Retry-After") == "" {
			t.Errorf("%s answers %d, Retry-After %q: %s", host, a.status, a.header.Get("Retry-After"), a.body)
		}
	}
	if a := e.open(t, e.domain, "/", "Host", e.domain); a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page may be kept: %v", a.header)
	}
	e.noChange(t)
	e.untouched(t, before)
	e.tf.Write(t, e.config("", ""))
	e.tf.Apply(t)
	told(t, e.open(t, e.domain, "/"))
	e.untouched(t, before)
	e.noChange(t)
}
