// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// listing is an engine that has containers of portals, and counts how often it
// is asked for what.
type listing struct {
	mu    sync.Mutex
	asked map[string]int // by the text of the filters
	names []string       // of the containers: "<portal>-web-1"
	begun chan struct{}  // if set, receives when a list of all begins,
	goOn  chan struct{}  // which then waits for this
	spoil string         // if set, is the next answer, with a 500
	cut   bool           // break the next answer off
}

// host serves it.
func (l *listing) host(t testing.TB) *Host {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "d.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	l.asked = map[string]int{}
	server := &http.Server{Handler: sshEngine(l.serve)}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	p, err := New(Config{Hosts: map[string]HostConfig{"dal-1": {Endpoint: "unix://" + socket}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p.Hosts()[0]
}

func (l *listing) serve(w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasSuffix(r.URL.Path, "/containers/json") {
		return false
	}
	wanted := r.URL.Query().Get("filters")
	l.mu.Lock()
	l.asked[wanted]++
	names, spoil, cut := slices.Clone(l.names), l.spoil, l.cut
	l.spoil, l.cut = "", false
	begun, goOn := l.begun, l.goOn
	l.mu.Unlock()
	if wanted == "" && begun != nil {
		begun <- struct{}{}
		<-goOn
	}
	if spoil != "" {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, spoil)
		return true
	}
	var chosen []string
	for _, name := range names {
		portal, _, _ := strings.Cut(name, "-")
		byLabel := strings.Contains(wanted, LabelPortal+"="+portal+`"`)
		byName := strings.Contains(wanted, "^/"+portal+"-")
		if wanted == "" || byLabel || byName {
			chosen = append(chosen, fmt.Sprintf(`{"Id":"id of %s","Names":["/%s"],"State":"running","Labels":{"%s":"%s","x":"y"}}`, name, name, LabelPortal, portal))
		}
	}
	text := "[" + strings.Join(chosen, ",\n") + "]\n"
	if cut {
		text = text[:len(text)/2]
	}
	_, _ = io.WriteString(w, text)
	return true
}

func (l *listing) set(names ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = names
}

// counts are how often all were asked for, and portals alone.
func (l *listing) counts() (all, alone int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for wanted, n := range l.asked {
		if wanted == "" {
			all += n
		} else {
			alone += n
		}
	}
	l.asked = map[string]int{}
	return all, alone
}

func namesOf(t *testing.T, list []Container, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range list {
		if c.Labels["x"] != "" || c.Labels[LabelPortal] == "" {
			t.Errorf("the labels of %s are %v", c.Name, c.Labels)
		}
		out = append(out, c.Name)
	}
	return strings.Join(out, " ")
}

func TestListIsKeptByPortal(t *testing.T) {
	cleanEnvironment(t)
	l := &listing{names: []string{"b-web-1", "a-web-1"}}
	h := l.host(t)
	ctx := t.Context()
	want := func(what, got, want string, all, alone int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
		if a, b := l.counts(); a != all || b != alone {
			t.Errorf("%s: asked for all %d times, for portals %d times; want %d and %d", what, a, b, all, alone)
		}
	}
	whole := func() string { list, err := h.List(ctx); return namesOf(t, list, err) }
	portal := func(name string) string { list, err := h.Portal(ctx, name); return namesOf(t, list, err) }
	fresh := func(name string) string { list, err := h.FreshPortal(ctx, name); return namesOf(t, list, err) }

	resident := func(name string) string { list, err := h.FreshResident(ctx, name); return namesOf(t, list, err) }

	l.set()
	want("an empty host", whole(), "", 1, 0)
	l.set("b-web-1", "a-web-1")
	h.Changed()
	want("a fresh look", fresh("a"), "a-web-1", 0, 2)
	want("what was seen", portal("a"), "a-web-1", 0, 0)
	want("another", portal("b"), "b-web-1", 1, 0)
	want("all", whole(), "a-web-1 b-web-1", 0, 0)

	l.set("a-web-1", "a-web-2", "b-web-2")
	h.ChangedPortal("a")
	want("one that did not change", portal("b"), "b-web-1", 0, 0)
	want("the one that changed", portal("a"), "a-web-1 a-web-2", 0, 2)
	want("again", portal("a"), "a-web-1 a-web-2", 0, 0)
	want("all but what others changed", whole(), "a-web-1 a-web-2 b-web-1", 0, 0)
	h.ChangedPortal("a")
	h.ChangedPortal("b")
	want("all after two changes", whole(), "a-web-1 a-web-2 b-web-2", 0, 4)
	l.set("b-web-2")
	h.ChangedPortal("a")
	want("one that is gone", portal("a"), "", 0, 2)
	want("without it", whole(), "b-web-2", 0, 0)
	h.Changed()
	want("after any change", portal("b"), "b-web-2", 1, 0)

	want("a portal that is not there", resident("a"), "", 0, 1)
	want("one that is", resident("b"), "b-web-2", 0, 3)
	l.set()
	want("one that somebody removed", resident("b"), "", 0, 1)
	want("it is not remembered", portal("b"), "", 0, 2)
}

// A list that was asked for before a change does not tell of what came after it.
func TestListUnderChange(t *testing.T) {
	cleanEnvironment(t)
	l := &listing{names: []string{"a-web-1", "b-web-1"}, begun: make(chan struct{}), goOn: make(chan struct{})}
	h := l.host(t)
	answered := make(chan string)
	go func() { list, err := h.List(t.Context()); answered <- namesOf(t, list, err) }()
	<-l.begun
	l.set("a-web-1", "a-web-2", "b-web-1")
	h.ChangedPortal("a")
	late := make(chan string)
	go func() { list, err := h.Portal(t.Context(), "a"); late <- namesOf(t, list, err) }()
	time.Sleep(10 * time.Millisecond) // so that it joins, which it need not
	close(l.goOn)
	go func() { // one that did not join asks as well
		for range l.begun {
		}
	}()
	if got := <-late; got != "a-web-1 a-web-2" {
		t.Errorf("after the change: %q", got)
	}
	<-answered
	if list, err := h.List(t.Context()); namesOf(t, list, err) != "a-web-1 a-web-2 b-web-1" {
		t.Errorf("all after the change: %v", list)
	}
}

func TestListErrors(t *testing.T) {
	cleanEnvironment(t)
	l := &listing{names: []string{"a-web-1"}}
	h := l.host(t)
	// Once is nothing: it is asked again.
	for name, spoil := range map[string]func(){
		"a refusal":                  func() { l.spoil = `{"message":"out of files"}` },
		"an answer that is cut off":  func() { l.cut = true },
		"an answer that is no error": func() { l.spoil = "bad gateway" },
	} {
		l.mu.Lock()
		spoil()
		l.mu.Unlock()
		if list, err := h.FreshList(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
}

// TestListMemory bounds what a container of a list takes: there may be tens of
// thousands.
func TestListMemory(t *testing.T) {
	cleanEnvironment(t)
	l := &listing{}
	for p := range 200 {
		for s := range 23 {
			l.names = append(l.names, fmt.Sprintf("portal%04d-service%d-1", p, s))
		}
	}
	h := l.host(t)
	before := heap()
	list, err := h.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if each := (heap() - before) / int64(len(list)); each > 500 {
		t.Errorf("a container takes %d bytes", each)
	}
	runtime.KeepAlive(h)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
