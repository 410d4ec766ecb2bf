// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser visits a portal through its load balancer, by hostname, and keeps
// its cookies.
type browser struct {
	client http.Client
	port   string
}

func (a *academy) browser(t *testing.T) *browser {
	t.Helper()
	door := a.door(t)
	_, port, err := net.SplitHostPort(door)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		// No resolver knows the portal's hostnames.
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, door)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{client: http.Client{Transport: transport, Jar: jar, Timeout: 30 * time.Second}, port: port}
}

// answer is what a page answered.
type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) url(host, path string) string { return "http://" + host + ":" + b.port + path }

func (b *browser) do(req *http.Request) (answer, error) {
	resp, err := b.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

// get opens a page; header are name and value in turn.
func (b *browser) get(t *testing.T, host, path string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, b.url(host, path), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return b.must(t, req)
}

// page opens a page that must be there.
func (b *browser) page(t *testing.T, host, path string) string {
	t.Helper()
	a := b.get(t, host, path)
	if a.status != http.StatusOK {
		t.Fatalf("%s%s answers %d:\n%.500s", host, path, a.status, a.body)
	}
	return a.body
}

func (b *browser) must(t *testing.T, req *http.Request) answer {
	t.Helper()
	a, err := b.do(req)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// send posts a body of some type.
func (b *browser) send(t *testing.T, host, path, contentType string, body io.Reader) answer {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.url(host, path), body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	return b.must(t, req)
}

// submit fills in a form of a page: fields are name and value in turn.
func (b *browser) submit(t *testing.T, host, page, action string, fields ...string) string {
	t.Helper()
	form := url.Values{"csrfmiddlewaretoken": {b.token(t, host, page)}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	a := b.send(t, host, action, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if a.status != http.StatusOK {
		t.Fatalf("%s%s answers %d:\n%.500s", host, action, a.status, a.body)
	}
	return a.body
}

var tokenField = regexp.MustCompile(`name="csrfmiddlewaretoken" value="([^"]+)"`)

func (b *browser) token(t *testing.T, host, page string) string {
	t.Helper()
	found := tokenField.FindStringSubmatch(b.page(t, host, page))
	if found == nil {
		t.Fatalf("%s%s has no form", host, page)
	}
	return found[1]
}

// publish stores a course with a picture, as the administrator.
func (b *browser) publish(t *testing.T, host, title string) {
	t.Helper()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	contentType, body := upload(t, "picture", picture.Bytes(),
		"csrfmiddlewaretoken", b.token(t, host, "/"), "title", title, "text", "About "+title)
	if a := b.send(t, host, "/courses", contentType, body); a.status != http.StatusOK || !strings.Contains(a.body, title) {
		t.Fatalf("publishing answers %d:\n%s", a.status, a.body)
	}
}

// upload is a form with a PNG file and fields, name and value in turn.
func upload(t *testing.T, name string, file []byte, fields ...string) (contentType string, body io.Reader) {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for i := 0; i < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreatePart(map[string][]string{
		"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename="picture.png"`, name)},
		"Content-Type":        {"image/png"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), &form
}

// visitors visit a page all the time, one on a connection that is kept, one on
// a new connection each time.
type visitors struct {
	stop func()

	mu     sync.Mutex
	visits int
	failed []string
}

// visit lets visitors come until leave is called.
func (a *academy) visit(t *testing.T) *visitors {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	v := &visitors{}
	var all sync.WaitGroup
	for _, fresh := range []bool{false, true} {
		b := a.browser(t)
		all.Go(func() {
			for tick := time.NewTicker(100 * time.Millisecond); ; {
				select {
				case <-ctx.Done():
					tick.Stop()
					return
				case <-tick.C:
					v.visit(b, a.domain, fresh)
				}
			}
		})
	}
	v.stop = func() { cancel(); all.Wait() }
	t.Cleanup(v.stop)
	return v
}

func (v *visitors) visit(b *browser, host string, fresh bool) {
	started := time.Now()
	got := func() string {
		req, err := http.NewRequest(http.MethodGet, b.url(host, "/"), http.NoBody)
		if err != nil {
			return err.Error()
		}
		req.Close = fresh
		a, err := b.do(req)
		switch {
		case err != nil:
			return err.Error()
		case a.status != http.StatusOK:
			return fmt.Sprintf("%d: %.200s", a.status, a.body)
		}
		return ""
	}()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.visits++
	if got != "" {
		v.failed = append(v.failed, fmt.Sprintf("%s, after %s: %s", started.Format("15:04:05.0"), time.Since(started).Round(time.Millisecond), got))
	}
}

// leave ends the visits and asserts that each was answered.
func (v *visitors) leave(t *testing.T) {
	t.Helper()
	v.stop()
	if v.visits < 5 {
		t.Errorf("the page was visited %d times only", v.visits)
	}
	if len(v.failed) > 0 {
		t.Errorf("%d of %d visits failed:\n%s", len(v.failed), v.visits, strings.Join(v.failed, "\n"))
	}
	t.Logf("%d visits", v.visits)
}
