// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestHostileRequests sends what no browser sends: to a load balancer that stands
// alone, and through a gateway with another portal behind it.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	g := newTown(t, 2)
	alone := g.newSite(t)
	trusting := g.newSite(t)
	g.tf.Write(t, g.config(g.sites...)+alone.resource("alone", "")+
		trusting.resource("trusting", `trusted_proxies = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]`))
	g.tf.Apply(t)
	places := map[string]*place{
		"load balancer": {site: alone, visitor: &visitor{plain: "127.0.0.1:" + alone.port(t, "8080/tcp")}, scheme: "http"},
		"gateway":       {site: g.sites[0], visitor: &visitor{secure: g.visitor(t).secure, roots: g.authority(t)}, scheme: "https"},
	}
	everybody := append(slices.Clone(g.sites), alone, trusting)
	for name, p := range places {
		p.neighbour = g.sites[1]
		t.Run(name, func(t *testing.T) {
			t.Run("forged headers", p.testForged)
			t.Run("hostnames", p.testHosts)
			t.Run("too large", p.testTooLarge)
			t.Run("smuggling", func(t *testing.T) { p.testSmuggling(t, everybody) })
			t.Run("well as before", p.testWell)
		})
	}
	t.Run("trusted proxy", func(t *testing.T) { testTrustedProxy(t, trusting) })
	g.tf.Destroy(t)
}

// place is where requests are sent to reach a site.
type place struct {
	*site
	*visitor
	scheme string // that visitors use
	// neighbour is another portal, which must not answer.
	neighbour *site
}

func (p *place) url(path string) string { return p.scheme + "://" + p.domain + path }

// testWell asks as everybody does.
func (p *place) testWell(t *testing.T) {
	if got := told(t, p.must(t, request(t, http.MethodGet, p.url("/"), nil))); got.Portal != p.Name {
		t.Errorf("portal %s answers", got.Portal)
	}
}

// forgeries are headers by which a visitor claims to be somebody else.
var forgeries = map[string]string{
	"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "forged", "X-Forwarded-Host": "forged.test", "X-Forwarded-Port": "666",
	"X-Forwarded-Ssl": "forged", "X-Forwarded-Prefix": "/forged", "X-Forwarded-Server": "forged.test", "X-Forwarded-Scheme": "forged",
	"Forwarded": "for=6.6.6.6;proto=forged", "X-Real-Ip": "6.6.6.6", "X-Original-Url": "/forged", "X-Rewrite-Url": "/forged",
	"X_Forwarded_For": "6.6.6.6", "X_Forwarded_Proto": "forged", "X_FORWARDED_HOST": "forged.test", "x-forwarded_for": "6.6.6.6",
	"Front-End-Https": "forged",
}

// The website sees who really asks, and by which scheme and hostname.
func (p *place) testForged(t *testing.T) {
	for _, twice := range []bool{false, true} {
		req := request(t, http.MethodGet, p.url("/"), nil)
		for name, value := range forgeries {
			req.Header[name] = []string{value}
			if twice {
				req.Header[name] = []string{"", value}
			}
		}
		got := told(t, p.must(t, req))
		for name, values := range got.Headers {
			if text := strings.Join(values, ", "); strings.Contains(text, "forged") || strings.Contains(text, "666") || strings.Contains(text, "6.6.6.6") {
				t.Errorf("the website is told %s: %s", name, text)
			}
		}
		first, _, _ := strings.Cut(got.Headers.Get("X-Forwarded-For"), ",")
		if ip := net.ParseIP(first); ip == nil || !ip.IsPrivate() {
			t.Errorf("X-Forwarded-For is %q", got.Headers["X-Forwarded-For"])
		}
		if got.Host != p.domain || got.Headers.Get("X-Forwarded-Host") != p.domain || got.Headers.Get("X-Forwarded-Proto") != p.scheme {
			t.Errorf("the website is told of %s, %s by %s", got.Host, got.Headers.Get("X-Forwarded-Host"), got.Headers.Get("X-Forwarded-Proto"))
		}
	}
}

// What a proxy says that is trusted counts.
func testTrustedProxy(t *testing.T, s *site) {
	v := &visitor{plain: "127.0.0.1:" + s.port(t, "8080/tcp")}
	got := told(t, v.get(t, s.domain, "/", "X-Forwarded-For", "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto", "https", "X-Forwarded-Host", s.studio(), "X-Real-Ip", "6.6.6.6"))
	if f := got.Headers.Get("X-Forwarded-For"); !strings.HasPrefix(f, "6.6.6.6, 203.0.113.9, ") {
		t.Errorf("X-Forwarded-For is %q", f)
	}
	if got.Headers.Get("X-Forwarded-Proto") != "https" || got.Headers.Get("X-Forwarded-Host") != s.studio() || got.Headers.Get("X-Real-Ip") != "" {
		t.Errorf("the website is told %v", got.Headers)
	}
}

// send writes bytes and reads what comes until the other side closes, or is silent
// for a while.
func (p *place) send(t *testing.T, text string) string {
	t.Helper()
	conn, err := p.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, text) }() // an answer may come before all is sent
	var all strings.Builder
	buffer := make([]byte, 64<<10)
	for {
		wait := patience
		if all.Len() > 0 {
			wait = lull
		}
		_ = conn.SetReadDeadline(time.Now().Add(wait))
		n, err := conn.Read(buffer)
		all.Write(buffer[:n])
		if err != nil {
			return all.String()
		}
	}
}

// lull is when nothing more is expected after a part of an answer.
const lull = 200 * time.Millisecond

func (p *place) dial() (net.Conn, error) {
	if p.scheme == "http" {
		return net.Dial("tcp", p.plain)
	}
	return tls.Dial("tcp", p.secure, &tls.Config{ServerName: p.domain, RootCAs: p.roots, NextProtos: []string{"http/1.1"}})
}

var statusLine = regexp.MustCompile(`(?m)^HTTP/1\.[01] (\d{3}) `)

// statuses are those of the answers in what was read.
func statuses(text string) []string {
	var all []string
	for _, m := range statusLine.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

func (p *place) testHosts(t *testing.T) {
	ip, _, _ := net.SplitHostPort(p.plain + p.secure)
	// HTTPS holds a hostname against the one that the certificate was asked for.
	unknown := []string{"404"}
	if p.scheme == "https" {
		unknown = []string{"421", "404"}
	}
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"empty":             {"GET / HTTP/1.1\r\nHost:\r\n\r\n", append([]string{"400"}, unknown...)},
		"none":              {"GET / HTTP/1.1\r\nX: y\r\n\r\n", []string{"400"}},
		"two":               {"GET / HTTP/1.1\r\nHost: %o\r\nHost: %n\r\n\r\n", []string{"400"}},
		"the same twice":    {"GET / HTTP/1.1\r\nHost: %o\r\nHost: %o\r\n\r\n", []string{"400"}},
		"an address":        {"GET / HTTP/1.1\r\nHost: " + ip + "\r\n\r\n", unknown},
		"another portal's":  {"GET / HTTP/1.1\r\nHost: %n\r\n\r\n", unknown},
		"in the network":    {"GET / HTTP/1.1\r\nHost: web-1:8000\r\n\r\n", unknown},
		"with a user":       {"GET / HTTP/1.1\r\nHost: %n@%o\r\n\r\n", append([]string{"400"}, unknown...)},
		"with a slash":      {"GET / HTTP/1.1\r\nHost: %o/%n\r\n\r\n", append([]string{"400"}, unknown...)},
		"in the URL":        {"GET http://%n/ HTTP/1.1\r\nHost: %o\r\n\r\n", unknown},
		"CONNECT":           {"CONNECT web-1:8000 HTTP/1.1\r\nHost: web-1:8000\r\n\r\n", append([]string{"400", "405"}, unknown...)},
		"HTTP/1.0, none":    {"GET / HTTP/1.0\r\n\r\n", append([]string{"400"}, unknown...)},
		"HTTP/1.0":          {"GET / HTTP/1.0\r\nHost: %o\r\n\r\n", []string{"200"}},
		"in capitals":       {"GET / HTTP/1.1\r\nHost: %O\r\n\r\n", []string{"200"}},
		"own in the URL":    {"GET http://%o/ HTTP/1.1\r\nHost: %o\r\n\r\n", []string{"200"}},
		"no version at all": {"GET /\r\nHost: %o\r\n\r\n", []string{"400"}},
		"TLS in HTTP":       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []string{"400"}},
	} {
		got := p.send(t, p.fill(tt.text))
		if found := statuses(got); len(found) != 1 || !slices.Contains(tt.want, found[0]) {
			t.Errorf("%s: answers %v instead of one of %v:\n%.500s", name, found, tt.want, got)
		}
		p.noNeighbour(t, name, got)
	}
}

// fill puts the hostnames in: %o the site's own, %O in capitals, %n the
// neighbour's.
func (p *place) fill(text string) string {
	return strings.NewReplacer("%o", p.domain, "%O", strings.ToUpper(p.domain), "%n", p.neighbour.domain).Replace(text)
}

func (p *place) noNeighbour(t *testing.T, name, got string) {
	t.Helper()
	if strings.Contains(got, fmt.Sprintf("\"Portal\":%q", p.neighbour.Name)) {
		t.Errorf("%s: the neighbour answers:\n%s", name, got)
	}
}

// smuggled is the request that a proxy and a website may see in what another of
// them takes for a body.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: %n\r\nX: "

// handled are what such requests may be answered with: 200 when one reading is left
// that is passed on, 501 for an encoding that nobody knows, and 502 for a body that
// is found to be broken while it is passed on.
var handled = []string{"200", "400", "404", "413", "421", "431", "501", "502"}

// testSmuggling sends requests whose end two readers may see in two places. No
// website may ever be asked for what was hidden in one.
func (p *place) testSmuggling(t *testing.T, everybody []*site) {
	const post = "POST /probe HTTP/1.1\r\nHost: %o\r\n"
	chunked := func(header string) string { return post + header + "\r\n\r\n0\r\n\r\n" + smuggled }
	length := fmt.Sprintf("Content-Length: %d\r\n", len(p.fill("0\r\n\r\n"+smuggled)))
	for name, text := range map[string]string{
		"length and chunked":        post + length + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"chunked and length":        post + "Transfer-Encoding: chunked\r\n" + length + "\r\n0\r\n\r\n" + smuggled,
		"short length and chunked":  post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1e\r\n" + smuggled + "\r\n0\r\n\r\n",
		"two lengths":               post + "Content-Length: 0\r\n" + length + "\r\n0\r\n\r\n" + smuggled,
		"two lengths in one":        post + "Content-Length: 0, 40\r\n\r\n" + smuggled,
		"length with a sign":        post + "Content-Length: +0\r\n\r\n" + smuggled,
		"length below zero":         post + "Content-Length: -1\r\n\r\n" + smuggled,
		"length in hexadecimal":     post + "Content-Length: 0x0\r\n\r\n" + smuggled,
		"length that is huge":       post + "Content-Length: 99999999999999999999\r\n\r\n" + smuggled,
		"length with a space":       post + "Content-Length : 0\r\n" + length + "\r\n0\r\n\r\n" + smuggled,
		"encoding with a space":     post + length + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"encoding with a tab":       post + length + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"encoding with a form feed": post + length + "Transfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"encoding in capitals":      post + length + "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n" + smuggled,
		"encoding spelt oddly":      post + length + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"encoding in quotes":        post + length + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + smuggled,
		"two encodings":             post + length + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled,
		"two encodings in one":      post + length + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"encoding on a second line": post + length + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"encoding after a line":     post + length + "X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"encoding with underscore":  post + length + "Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"encoding after a NUL":      post + length + "X: y\x00\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"encoding after a CR":       post + length + "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"encoding after a LF":       post + length + "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"HTTP/1.0 and chunked":      "POST /probe HTTP/1.0\r\nHost: %o\r\nConnection: keep-alive\r\n" + length + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"ends of lines":             strings.ReplaceAll(post+length+"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+smuggled, "\r\n", "\n"),
		"ends of chunks":            post + "Transfer-Encoding: chunked\r\n\r\n0\n\n" + smuggled,
		"chunk with a sign":         post + "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + smuggled,
		"chunk in hexadecimal":      post + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + smuggled,
		"chunk that is huge":        post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + smuggled,
		"chunk of many digits":      post + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", 64) + "1\r\nx\r\n0\r\n\r\n" + smuggled,
		"chunk without its end":     post + "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n" + smuggled,
		"chunk with an extension":   post + "Transfer-Encoding: chunked\r\n\r\n0;a=\n" + smuggled,
		"trailer":                   chunked("Transfer-Encoding: chunked\r\nTrailer: Content-Length"),
		"length hidden by a hop":    post + "Connection: Content-Length\r\n" + length + "\r\n0\r\n\r\n" + smuggled,
		"GET with a body":           "GET /probe HTTP/1.1\r\nHost: %o\r\n" + length + "\r\n0\r\n\r\n" + smuggled,
		"end of a line in the path": "GET /probe%0d%0aX:%20y HTTP/1.1\r\nHost: %o\r\n\r\n",
		"spaces in the path":        "GET /probe HTTP/1.1\r\nHost: %n\r\n\r\n HTTP/1.1\r\nHost: %o\r\n\r\n",
		"upgrade to cleartext h2":   "GET /probe HTTP/1.1\r\nHost: %o\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n" + smuggled,
		"a line before":             "\r\n" + post + "Content-Length: 0\r\n\r\n",
		"a header without a name":   post + ": chunked\r\nContent-Length: 0\r\n\r\n",
		"a header without a colon":  post + "Transfer-Encoding chunked\r\nContent-Length: 0\r\n\r\n",
		"a first line that is long": "GET /" + strings.Repeat("a", 200<<10) + " HTTP/1.1\r\nHost: %o\r\n\r\n",
	} {
		// What is hidden lacks its end, so that only who sees it there answers it.
		got := p.send(t, p.fill(text))
		p.noNeighbour(t, name, got)
		if found := statuses(got); len(found) == 0 || slices.ContainsFunc(found, func(s string) bool { return !slices.Contains(handled, s) }) {
			t.Errorf("%s: answers %v:\n%.500s", name, found, got)
		}
		if strings.Contains(got, "/smuggled") {
			t.Errorf("%s: the hidden request was answered:\n%s", name, got)
		}
		// The connection to the website, which is used again, is not out of step.
		if again := told(t, p.must(t, request(t, http.MethodGet, p.url("/after"), nil))); again.URI != "/after" || again.Portal != p.Name {
			t.Errorf("%s: the next visitor gets %s of %s", name, again.URI, again.Portal)
		}
	}
	for _, s := range everybody {
		if seen := s.seen(t); strings.Contains(seen, "smuggled") {
			t.Errorf("portal %s was asked for it:\n%s", s.Name, seen)
		}
	}
}

func (p *place) testTooLarge(t *testing.T) {
	const limit = 1 << 20
	if got := p.send(t, p.fill("GET / HTTP/1.1\r\nHost: %o\r\nX-Large: "+strings.Repeat("x", 100<<10)+"\r\n\r\n")); !slices.Equal(statuses(got), []string{"431"}) {
		t.Errorf("a large header is answered %v", statuses(got))
	}
	if got := p.send(t, p.fill("GET / HTTP/1.1\r\nHost: %o\r\n"+strings.Repeat("X: y\r\n", 20<<10)+"\r\n")); !slices.Equal(statuses(got), []string{"431"}) {
		t.Errorf("many headers are answered %v", statuses(got))
	}
	post := func(path string, size int, known bool) (answer, error) {
		req := request(t, http.MethodPost, p.url(path), io.LimitReader(zeros{}, int64(size)))
		if known {
			req.ContentLength = int64(size)
		}
		return p.ask(req)
	}
	for _, known := range []bool{true, false} {
		if a, err := post("/within", limit, known); err != nil || told(t, a).Body != limit {
			t.Errorf("a body of the largest size (announced: %t): %d, %v", known, a.status, err)
		}
		if a, err := post("/upload/any", 3*limit, known); err != nil || told(t, a).Body != 3*limit {
			t.Errorf("a large body where there is no bound: %d, %v", a.status, err)
		}
	}
	if a, err := post("/announced", limit+1, true); err != nil || a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body is answered %d, %v", a.status, err)
	}
	// One that is not announced is cut off on its way, also when the answer is lost
	// because it is still being sent.
	if a, err := post("/unannounced", 3*limit, false); err == nil && a.status < 400 {
		t.Errorf("a large body that is not announced is answered %d: %s", a.status, a.body)
	}
	for line := range strings.Lines(p.seen(t)) {
		if strings.Contains(line, "announced") && strings.Contains(line, "(<nil>)") {
			t.Errorf("it was passed on whole: %s", line)
		}
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '0'
	}
	return len(b), nil
}
