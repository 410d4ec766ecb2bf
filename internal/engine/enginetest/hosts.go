// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// ofHosts holds for any number of hosts.
var ofHosts = []contract{
	{"hosts tell how they are", hostsTell},
	{"a view works on its host", viewWorks},
	{"a view knows no other host", viewKnowsNoOther},
	{"a portal is settled on a host", settles},
}

// RunHosts checks what an engine does with several hosts. open makes one that
// has them.
func RunHosts(t *testing.T, open func(t *testing.T) engine.Engine) {
	run(t, open, ofHosts)
}

// statusOf is how a host is, by its name.
func statusOf(t *testing.T, e engine.Engine, host string) engine.HostStatus {
	t.Helper()
	all := e.HostStatus(Context(t))
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	if !slices.Equal(names, e.Hosts()) {
		t.Fatalf("told of the hosts %q, has %q", names, e.Hosts())
	}
	i := slices.Index(names, host)
	if i < 0 {
		t.Fatalf("there is no host %q", host)
	}
	return all[i]
}

func hostsTell(t *testing.T, e engine.Engine) {
	if hosts := e.Hosts(); len(hosts) == 0 || !slices.IsSorted(hosts) {
		t.Fatalf("hosts %q", hosts)
	}
	st := NewStack(t)
	Add(t, st, "web", func(s *stack.Service) { s.Resources.Memory = 64 << 20 })
	Add(t, st, "report", func(s *stack.Service) {
		s.Task, s.Restart, s.Resources.Memory = &stack.Task{When: stack.Manual}, "no", 1<<40
	})
	Up(t, e, st, "web")
	Do(t, e, st, stack.Create, "report", "")
	o, err := e.Observe(Context(t), st.Portal)
	if err != nil {
		t.Fatal(err)
	}
	s := statusOf(t, e, o.Host)
	if !s.Reachable || s.Error != "" || s.Endpoint == "" || !sameAddress(e, o.Host, s.Address) {
		t.Errorf("host %+v, addresses %q", s, e.Addresses(o.Host))
	}
	for what, text := range map[string]string{
		"engine": s.EngineVersion, "API": s.APIVersion, "kernel": s.KernelVersion,
	} {
		if _, err := strconv.Atoi(strings.SplitN(text, ".", 2)[0]); err != nil {
			t.Errorf("%s version %q", what, text)
		}
	}
	if s.OS == "" || s.Arch == "" || s.CPUs < 1 || s.Memory < 64<<20 {
		t.Errorf("host %+v", s)
	}
	if s.Running < 1 || s.Containers < s.Running || s.MemoryReserved < 64<<20 || !slices.Contains(s.Portals, st.Portal) || !slices.IsSorted(s.Portals) {
		t.Errorf("host %+v with portal %s", s, st.Portal)
	}
	if s.MemoryReserved >= 1<<40 {
		t.Errorf("a task reserves memory: %d bytes", s.MemoryReserved)
	}
	Do(t, e, st, stack.Stop, "web", "")
	Do(t, e, st, stack.Remove, "web", "")
	Do(t, e, st, stack.Remove, "report", "")
	if s = statusOf(t, e, o.Host); slices.Contains(s.Portals, st.Portal) {
		t.Errorf("portal %s is gone, and there are %q", st.Portal, s.Portals)
	}
}

func viewWorks(t *testing.T, e engine.Engine) {
	for _, host := range e.Hosts() {
		view, err := e.On(host)
		if err != nil {
			t.Fatal(err)
		}
		st := NewStack(t)
		Add(t, st, "web", nil)
		Up(t, view, st, "web")
		for what, observe := range map[string]func() (stack.Observed, error){
			"Observe":       func() (stack.Observed, error) { return view.Observe(Context(t), st.Portal) },
			"ObserveShared": func() (stack.Observed, error) { return view.ObserveShared(Context(t), st.Portal) },
		} {
			if o, err := observe(); err != nil || o.Host != host || len(o.Containers) != 1 {
				t.Errorf("%s on %s: host %q, %d containers, %v", what, host, o.Host, len(o.Containers), err)
			}
		}
		if s := statusOf(t, view, host); !slices.Contains(s.Portals, st.Portal) {
			t.Errorf("%s has the portals %q, not %s", host, s.Portals, st.Portal)
		}
		if err := view.Close(); err != nil {
			t.Error(err)
		}
		// The engine goes on, and knows what was done through the view.
		if o, err := e.ObserveShared(Context(t), st.Portal); err != nil || len(o.Containers) == 0 {
			t.Errorf("after the view was closed: %d containers, %v", len(o.Containers), err)
		}
		Do(t, e, st, stack.Stop, "web", "")
	}
}

func viewKnowsNoOther(t *testing.T, e engine.Engine) {
	all := e.Hosts()
	view, err := e.On(all[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := view.Hosts(); !slices.Equal(got, all[:1]) {
		t.Errorf("a view of %s has the hosts %q", all[0], got)
	}
	if rows := view.HostStatus(Context(t)); len(rows) != 1 || rows[0].Name != all[0] {
		t.Errorf("a view of %s tells of %+v", all[0], rows)
	}
	for _, host := range append([]string{"none"}, all[1:]...) {
		_, err := view.On(host)
		if err == nil || !strings.Contains(err.Error(), strconv.Quote(host)) || !strings.Contains(err.Error(), all[0]) {
			t.Errorf("host %s of a view of %s: %v", host, all[0], err)
		}
		if a := view.Addresses(host); len(a) > 0 {
			t.Errorf("a view of %s knows %s under %s", all[0], host, a)
		}
	}
	if _, err := e.On("none"); err == nil || !strings.Contains(err.Error(), all[len(all)-1]) {
		t.Errorf("the error does not name the hosts there are: %v", err)
	}
}

// settles: what is done for a portal is done on the host that it is settled on,
// whatever others have of it.
func settles(t *testing.T, e engine.Engine) {
	hosts := e.Hosts()
	if placeable := e.Placeable(); len(placeable) != len(hosts) || placeable[0].Name != hosts[0] {
		t.Errorf("placeable are %+v of %q", placeable, hosts)
	}
	st := NewStack(t)
	if err := e.Settle(st.Portal, "none"); err == nil || !strings.Contains(err.Error(), hosts[0]) {
		t.Errorf("settled on a host that is not there: %v", err)
	}
	Add(t, st, "web", nil)
	for i := len(hosts) - 1; i >= 0; i-- {
		if err := e.Settle(st.Portal, hosts[i]); err != nil {
			t.Fatal(err)
		}
		Up(t, e, st, "web")
		o, err := e.Observe(Context(t), st.Portal)
		if err != nil || o.Host != hosts[i] || len(o.Containers) != 1 || len(o.Silent) > 0 {
			t.Fatalf("on %s: %+v, %v", hosts[i], o, err)
		}
		var elsewhere []string
		for _, other := range o.Elsewhere {
			if elsewhere = append(elsewhere, other.Host); other.Running() != 1 {
				t.Errorf("elsewhere is %+v", other)
			}
		}
		if want := others(t, e, st.Portal, o.Containers[0].ID); !slices.Equal(elsewhere, want) {
			t.Errorf("elsewhere is %q, want %q", elsewhere, want)
		}
	}
	for _, host := range hosts {
		if err := e.Settle(st.Portal, host); err != nil {
			t.Fatal(err)
		}
		Do(t, e, st, stack.Stop, "web", "")
	}
}

// others are the hosts that have a container of a portal, but for the one with the
// given id: an engine may be there under two names.
func others(t *testing.T, e engine.Engine, portal, id string) []string {
	t.Helper()
	var out []string
	for _, host := range e.Hosts() {
		view, err := e.On(host)
		if err != nil {
			t.Fatal(err)
		}
		o, err := view.Observe(Context(t), portal)
		if err != nil {
			t.Fatal(err)
		}
		if len(o.Containers) > 0 && o.Containers[0].ID != id {
			out = append(out, host)
		}
	}
	return out
}

// sameAddress tells whether a host's status tells the address that the engine knows.
func sameAddress(e engine.Engine, host, address string) bool {
	known := e.Addresses(host)
	return len(known) == 0 && address == "" || len(known) == 1 && known[0] == address
}
