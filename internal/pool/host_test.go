// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestAddress(t *testing.T) {
	cleanEnvironment(t)
	for name, c := range map[string]struct {
		host HostConfig
		want string
	}{
		"given":            {HostConfig{Endpoint: "unix:///d.sock", Address: "192.0.2.7"}, "192.0.2.7"},
		"beats endpoint":   {HostConfig{Endpoint: "tcp://127.0.0.1:2375", Address: "dal-1.example.com"}, "dal-1.example.com"},
		"of the endpoint":  {HostConfig{Endpoint: "tcp://10.0.0.12:2376"}, "10.0.0.12"},
		"a name":           {HostConfig{Endpoint: "tcp://dal-1.example.com:2376/"}, "dal-1.example.com"},
		"IPv6":             {HostConfig{Endpoint: "tcp://[2001:db8::7]:2376"}, "2001:db8::7"},
		"none of a socket": {HostConfig{Endpoint: "unix:///var/run/docker.sock"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := New(Config{Hosts: map[string]HostConfig{"dal-1": c.host}, Address: "not-of-a-given-host"})
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Hosts()[0].Address; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAddressOfTheEnvironmentsHost(t *testing.T) {
	cleanEnvironment(t)
	t.Setenv("DOCKER_HOST", "tcp://10.0.0.12:2375")
	for given, want := range map[string]string{"": "10.0.0.12", "192.0.2.7": "192.0.2.7"} {
		p, err := New(Config{Address: given})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Hosts()[0].Address; got != want {
			t.Errorf("given %q: got %q, want %q", given, got, want)
		}
	}
}

func TestEndpointShowsNoPassword(t *testing.T) {
	cleanEnvironment(t)
	p, err := New(Config{Hosts: map[string]HostConfig{"dal-1": {Endpoint: "tcp://ops:secret@10.0.0.12:2376"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Hosts()[0].Endpoint; got != "tcp://10.0.0.12:2376" {
		t.Errorf("got %q", got)
	}
}

func TestView(t *testing.T) {
	cleanEnvironment(t)
	p, err := New(Config{Hosts: map[string]HostConfig{"b": {Endpoint: "tcp://b:1"}, "a": {Endpoint: "tcp://a:1"}}})
	if err != nil {
		t.Fatal(err)
	}
	view, err := p.On("b")
	if err != nil {
		t.Fatal(err)
	}
	if hosts := view.Hosts(); len(hosts) != 1 || hosts[0] != p.Hosts()[1] {
		t.Errorf("the view has the hosts %v, not the pool's b", hosts)
	}
	// One host needs no asking, though it is down.
	if h, err := view.Place(t.Context(), "acme"); err != nil || h.Name != "b" {
		t.Errorf("placed on %v, %v", h, err)
	}
	for _, pool := range []*Pool{p, view} {
		if _, err := pool.On("c"); err == nil || !strings.Contains(err.Error(), `no host "c"`) || !strings.Contains(err.Error(), `"b"`) {
			t.Errorf("got %v", err)
		}
	}
}

// TestHostThatHangs asks a host from several sides that accepts connections and
// never answers: each is told within the time of one probe.
func TestHostThatHangs(t *testing.T) {
	cleanEnvironment(t)
	defer func(before time.Duration) { probeTimeout = before }(probeTimeout)
	probeTimeout = 300 * time.Millisecond
	path := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := New(Config{Hosts: map[string]HostConfig{"dal-1": {Endpoint: "unix://" + path}}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	begin := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := p.Hosts()[0].Facts(t.Context())
			var unreachable *UnreachableError
			if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), "no answer within") {
				t.Errorf("got %v", err)
			}
		})
		all.Go(func() {
			if _, err := p.Hosts()[0].List(t.Context()); !IsUnreachable(err) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if d := time.Since(begin); d > 10*probeTimeout {
		t.Errorf("40 callers took %s of a host that is given %s", d, probeTimeout)
	}
}

// TestHomeDoesNotWaitForOthers looks for a portal on hosts of which one hangs,
// one is down and one has it.
func TestHomeDoesNotWaitForOthers(t *testing.T) {
	cleanEnvironment(t)
	dir := t.TempDir()
	hangs, err := net.Listen("unix", filepath.Join(dir, "hangs.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer hangs.Close()
	good, err := net.Listen("unix", filepath.Join(dir, "good.sock"))
	if err != nil {
		t.Fatal(err)
	}
	var gone atomic.Bool
	server := &http.Server{Handler: sshEngine(func(w http.ResponseWriter, r *http.Request) bool {
		list := strings.HasSuffix(r.URL.Path, "/containers/json") && !gone.Load()
		if list {
			_, _ = io.WriteString(w, `[{"Id":"1","Names":["/acme-web-1"],"Labels":{"`+LabelPortal+`":"acme"}}]`)
		}
		return list
	})}
	go func() { _ = server.Serve(good) }()
	defer server.Close()
	p, err := New(Config{Hosts: map[string]HostConfig{
		"a-down":  {Endpoint: "unix://" + filepath.Join(dir, "none.sock")},
		"b-hangs": {Endpoint: "unix://" + filepath.Join(dir, "hangs.sock")},
		"c-good":  {Endpoint: "unix://" + filepath.Join(dir, "good.sock")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	begin := time.Now()
	if h, err := p.Place(t.Context(), "acme"); err != nil || h.Name != "c-good" {
		t.Errorf("placed on %v, %v", h, err)
	}
	if d := time.Since(begin); d > probeTimeout/2 {
		t.Errorf("it took %s", d)
	}
	// Its last container goes: it is where it was.
	gone.Store(true)
	p.Hosts()[2].Changed()
	if h, err := p.Place(t.Context(), "acme"); err != nil || h.Name != "c-good" {
		t.Errorf("placed on %v, %v", h, err)
	}
	// Any of those that do not answer may have it.
	if h, err := p.Place(t.Context(), "other"); h != nil || !IsUnreachable(err) || !strings.Contains(err.Error(), `"a-down"`) {
		t.Errorf("placed on %v, %v", h, err)
	}
}
