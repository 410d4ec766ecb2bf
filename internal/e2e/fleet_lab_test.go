// SPDX-License-Identifier: MPL-2.0

//go:build lab && long

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
)

const (
	sshPortals = 20
	// slower bounds how much longer a plan takes over ssh than over local sockets.
	slower = 2.0
	// aliases is how many hosts one provider has at last, and mostMemory what it may
	// take then, in bytes.
	aliases, mostMemory = 20, 80 << 20
)

// fleet is a stack of one service that reserves memory, so that a fleet spreads.
const fleet = `
services:
  web:
    image: portal-test/busybox
    init: true
    mem_limit: 16m
    command: [sleep, infinity]
`

// TestLabFleet has many portals on three hosts over ssh, with an sshd that has its
// default limits. It is not parallel to others, as it measures.
func TestLabFleet(t *testing.T) {
	e := newEstate(t)
	must(t, os.WriteFile(filepath.Join(e.blueprint, "compose.yaml"), []byte(fleet), 0o600))
	portals := fmt.Sprintf(`
resource "portal" "client" {
  for_each   = toset([for n in range(%d) : "client${n}"])
  name       = each.key
  domain     = "${each.key}.test"
  blueprint  = %q
  on_destroy = "delete"
}
`, sshPortals, e.blueprint)
	ssh := e.Provider((*lab.Host).SSH) + portals
	local := e.Provider(func(h *lab.Host) string {
		return fmt.Sprintf("%s = {\n endpoint = %q\n labels = { zone = %q }\n }", h.Name, h.Socket(), h.Zone)
	}) + portals
	tf := acctest.NewTerraform(t, ssh)

	// A run of Terraform is one provider process that plans and one that applies.
	r := e.connects(t, 2, func() acctest.Result { return tf.Apply(t) })
	t.Logf("%d portals were made over ssh in %s", sshPortals, r.Took.Round(time.Millisecond))
	for _, h := range e.Hosts {
		if n := len(e.portals(t, h)); n < sshPortals/3 || n > sshPortals/3+1 {
			t.Errorf("%d of %d portals are on %s", n, sshPortals, h.Name)
		}
	}
	plan := func(config string) time.Duration {
		tf.Write(t, config)
		best := time.Hour
		for range 3 {
			best = min(best, planEmpty(t, tf).Took)
		}
		return best
	}
	e.connects(t, 1, func() acctest.Result { return planEmpty(t, tf) })
	overSSH, overSockets := plan(ssh), plan(local)
	t.Logf("the best of three plans of %d portals: %s over ssh, %s over local sockets, %.2f times", sshPortals, overSSH, overSockets, float64(overSSH)/float64(overSockets))
	if float64(overSSH) > slower*float64(overSockets) {
		t.Errorf("over ssh a plan takes more than %.1f times as long", slower)
	}
	tf.Write(t, e.aliased()+portals)
	p := tf.Start(t, "plan", "-input=false", "-no-color")
	peak := peakMemory(t, p)
	if r := p.Wait(t); r.ExitCode != 0 {
		t.Errorf("a plan with %d hosts: exit code %d\n%s", aliases, r.ExitCode, r.Output)
	}
	t.Logf("a provider with %d hosts took %.1f MB at most", aliases, float64(peak)/1e6)
	if peak == 0 || peak > mostMemory {
		t.Errorf("a provider with %d hosts took %d bytes", aliases, peak)
	}
	tf.Write(t, ssh)
	tf.Destroy(t)
}

// connects asserts how many connections a run makes to each host.
func (e *estate) connects(t *testing.T, want int, run func() acctest.Result) acctest.Result {
	t.Helper()
	before := map[string]int{}
	for _, h := range e.Hosts {
		n, err := h.Accepted()
		must(t, err)
		before[h.Name] = n
	}
	r := run()
	for _, h := range e.Hosts {
		n, err := h.Accepted()
		must(t, err)
		if n -= before[h.Name]; n != want {
			t.Errorf("%d connections to %s instead of %d", n, h.Name, want)
		}
	}
	return r
}

// portals are those that have containers on a host.
func (e *estate) portals(t *testing.T, h *lab.Host) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for n := range sshPortals {
		name := fmt.Sprintf("client%d", n)
		if len(e.members(t, h, name)) > 0 {
			found[name] = true
		}
	}
	return found
}

// aliased is a provider block in which each host is there under several names.
func (e *estate) aliased() string {
	var more strings.Builder
	for n := len(e.Hosts); n < aliases; n++ {
		h := e.Hosts[n%len(e.Hosts)]
		more.WriteString(strings.Replace(h.SSH(), h.Name+" = {", fmt.Sprintf("alias%d = {", n), 1) + "\n")
	}
	return strings.Replace(e.Provider((*lab.Host).SSH), "  hosts = {", "  hosts = {\n"+more.String(), 1)
}

// peakMemory is the most memory that the provider of a run had, until it ends.
func peakMemory(t *testing.T, p *acctest.Process) int {
	t.Helper()
	peak := 0
	for {
		select {
		case <-p.Ended():
			return peak
		case <-time.After(20 * time.Millisecond):
		}
		links, err := filepath.Glob("/proc/[0-9]*/exe")
		must(t, err)
		for _, link := range links {
			if program, _ := os.Readlink(link); program != acctest.Binary(t) {
				continue
			}
			status, _ := os.ReadFile(filepath.Join(filepath.Dir(link), "status"))
			if _, text, ok := strings.Cut(string(status), "VmHWM:"); ok {
				kib, err := strconv.Atoi(strings.Fields(text)[0])
				must(t, err)
				peak = max(peak, kib<<10)
			}
		}
	}
}
