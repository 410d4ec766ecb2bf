// SPDX-License-Identifier: MPL-2.0

package docker_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker/faultproxy"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// count counts the requests whose path ends in suffix.
func count(requests []string, suffix string) int {
	n := 0
	for _, r := range requests {
		if strings.HasSuffix(r, suffix) {
			n++
		}
	}
	return n
}

// TestRequests bounds what reading and making cost: one list for all portals,
// one inspect for each container, and two calls to make and start one.
func TestRequests(t *testing.T) {
	enginetest.Image(t)
	proxy := faultproxy.New(t, socket)
	endpoint := proxy.ListenUnix(t)

	var portals []string
	for range 3 {
		st := enginetest.NewStack(t)
		portals = append(portals, st.Portal)
		enginetest.Add(t, st, "one", nil)
		enginetest.Add(t, st, "two", nil)
		e := open(t, endpoint, docker.Options{})
		for n := range st.Networks {
			enginetest.Do(t, e, st, stack.EnsureNetwork, "", n)
		}
		proxy.Spoil()
		for _, s := range []string{"one", "two"} {
			enginetest.Do(t, e, st, stack.Create, s, "")
			enginetest.Do(t, e, st, stack.Start, s, "")
		}
		if got := proxy.Requests(); len(got) != 4 {
			t.Errorf("two containers took %d requests, want 4: %v", len(got), got)
		}
		e.Close()
	}

	proxy.Spoil()
	e := open(t, endpoint, docker.Options{})
	defer e.Close()
	var wg sync.WaitGroup
	for _, p := range portals {
		wg.Go(func() {
			o, err := e.ObserveShared(enginetest.Context(t), p)
			if err != nil || len(o.Containers) != 2 {
				t.Errorf("%s: %d containers, %v", p, len(o.Containers), err)
			}
		})
	}
	wg.Wait()
	got := proxy.Requests()
	if lists, inspects := count(got, "/containers/json"), count(got, "/json")-count(got, "/containers/json"); lists != 1 || inspects != 6 || len(got) != 8 {
		t.Errorf("reading 3 portals of 2 containers took %d requests, %d lists, %d inspects, want 8 with the probe, 1 and 6: %v", len(got), lists, inspects, got)
	}
}
