// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// marked bounds how long it takes until the load balancer passes a replica over
// that is not well: the interval of the health check and the time it has, and two
// seconds more for a busy machine.
const marked = 12 * time.Second

// TestScale has a portal with a growing number of replicas under load, and harms
// some of them.
func TestScale(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.tf.Apply(t)
	v := &visitor{plain: "127.0.0.1:" + s.port(t, "8080/tcp")}
	page := "http://" + s.domain + "/"
	c := gather(t, v, rightSite(s), page, page, page)

	s.scale(t, 3)
	c.unharmed(t, time.Time{})
	all := s.names(t, "web-1", "web-2", "web-3")
	c.meets(t, all, 5*time.Second)

	t.Run("broken requests", func(t *testing.T) {
		p := &place{site: s, visitor: v, scheme: "http", neighbour: s}
		for range 12 {
			p.send(t, p.fill("POST / HTTP/1.1\r\nHost: %o\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n"))
		}
		c.meets(t, all, 5*time.Second)
		c.unharmed(t, time.Time{})
	})
	t.Run("killed and ill", func(t *testing.T) {
		harmed := time.Now()
		s.kill(t, "web-2")
		s.tell(t, "web-3", "ill")
		c.spares(t, harmed, s.names(t, "web-2", "web-3"))
		s.start(t, "web-2")
		s.tell(t, "web-3", "well")
		c.meets(t, all, marked)
		c.unharmed(t, harmed.Add(marked))
	})
	t.Run("paused", func(t *testing.T) {
		harmed := time.Now()
		s.Pause(t, "web-1")
		c.spares(t, harmed, s.names(t, "web-1"))
		s.unpause(t, "web-1")
		c.meets(t, all, marked)
		c.unharmed(t, harmed.Add(marked))
	})
	s.noChange(t)

	s.scale(t, 1)
	c.met()
	c.meets(t, s.names(t, "web-1"), 5*time.Second)
	c.leave(t)
	s.noChange(t)
	s.tf.Destroy(t)
}

// rightSite tells whether the site answered.
func rightSite(s *site) func(string, answer) error {
	return func(_ string, a answer) error {
		if a.status != http.StatusOK {
			return fmt.Errorf("%d: %.200s", a.status, a.body)
		}
		return nil
	}
}

func (s *site) scale(t *testing.T, replicas int) {
	t.Helper()
	s.tf.Write(t, s.alone(fmt.Sprintf("services = { web = { replicas = %d } }", replicas)))
	s.tf.Apply(t)
}

// names are what the containers call themselves, sorted.
func (s *site) names(t *testing.T, members ...string) []string {
	t.Helper()
	var names []string
	for _, m := range members {
		names = append(names, s.Inspect(t, m).Config.Hostname)
	}
	slices.Sort(names)
	return names
}

// meets asserts that within a time exactly these containers answer.
func (c *crowd) meets(t *testing.T, want []string, within time.Duration) {
	t.Helper()
	var met []string
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		met = append(met, c.met()...)
		slices.Sort(met)
		if met = slices.Compact(met); len(met) >= len(want) {
			break
		}
	}
	if !slices.Equal(met, want) {
		t.Errorf("%v answered within %s, instead of %v", met, within, want)
	}
}

// spares asserts that nobody is sent to these containers, and nothing fails, once
// the time is over in which the load balancer finds out.
func (c *crowd) spares(t *testing.T, harmed time.Time, containers []string) {
	t.Helper()
	time.Sleep(time.Until(harmed.Add(marked)))
	c.met()
	known := harmed.Add(marked)
	eventually(t, "100 more visits", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		n := 0
		for _, visits := range c.answered {
			n += visits
		}
		return n >= 100 || len(c.failed) > 0 && c.failed[len(c.failed)-1].began.After(known)
	})
	for _, name := range c.met() {
		if slices.Contains(containers, name) {
			t.Errorf("%s is not well, and answers still after %s", name, marked)
		}
	}
	c.unharmed(t, known)
}
