// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
)

// neighbours are two portals on one host and one drive, which run.
func neighbours(t *testing.T, p, q *acctest.Portal) (a, b *bed) {
	t.Helper()
	acctest.PreCheck(t)
	q.Storage = p.Storage
	a, b = bedOf(t, p), bedOf(t, q)
	a.tf.Apply(t)
	b.tf.Apply(t)
	return a, b
}

// TestPortalsCannotReachEachOther tries, from inside the containers of one
// portal, to open connections to those of another. It needs an engine of its
// own: whenever dockerd makes a network, as other tests do all the time, it
// takes the rules that keep networks apart out for some milliseconds.
func TestPortalsCannotReachEachOther(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	e := acctest.StartEngine(t)
	a, b := neighbours(t, e.NewPortal(t), e.NewPortal(t))

	for _, pair := range []struct{ from, to *bed }{{a, b}, {b, a}} {
		from, to := pair.from, pair.to
		for member, port := range map[string]int{"web-1": 8000, "load-balancer-1": 8080} {
			ip := to.address(t, member)
			// Its own neighbours reach it, so the address is right.
			eventually(t, fmt.Sprintf("%s to answer at %s:%d", to.Container(member), ip, port), func() bool {
				return to.connects(t, "db-1", ip, port)
			})
			for _, name := range []string{ip, to.Container(member), to.Container(member) + "." + to.Name + "_default"} {
				if from.connects(t, "db-1", name, port) {
					t.Errorf("%s reaches %s:%d", from.Name, name, port)
				}
			}
		}
		// The name of a service is that of its own portal's.
		want := "learn." + from.Name + ".test"
		if code, out := from.exec(t, "db-1", "timeout 10 wget -q -O - http://web:8000/"); code != 0 || !strings.Contains(out, want) {
			t.Errorf("web answers %q to %s", out, from.Name)
		}
	}
}

// address is the container's in its portal's network.
func (b *bed) address(t *testing.T, member string) string {
	t.Helper()
	endpoint := b.Inspect(t, member).NetworkSettings.Networks[b.Name+"_default"]
	if endpoint == nil || endpoint.IPAddress == "" {
		t.Fatalf("%s has no address", b.Container(member))
	}
	return endpoint.IPAddress
}

// connects tells whether a TCP connection can be opened from a container.
func (b *bed) connects(t *testing.T, member, host string, port int) bool {
	t.Helper()
	code, _ := b.exec(t, member, fmt.Sprintf("timeout 10 nc -w 2 %s %d </dev/null", host, port))
	return code == 0
}

// TestPortalsCannotReadEachOther looks for one portal's files in everything
// that another one's containers have.
func TestPortalsCannotReadEachOther(t *testing.T) {
	t.Parallel()
	a, b := neighbours(t, acctest.NewPortal(t), acctest.NewPortal(t))
	for _, pair := range []struct{ from, to *bed }{{a, b}, {b, a}} {
		from, to := pair.from, pair.to
		for _, member := range whole {
			for _, mount := range from.Inspect(t, member).Mounts {
				if strings.HasPrefix(mount.Source, from.Storage+"/.portal-agent/") && !mount.RW {
					continue // the provider's own program
				}
				if !strings.HasPrefix(mount.Source, from.Directory()+"/") {
					t.Errorf("%s has %s, which is not below %s", from.Container(member), mount.Source, from.Directory())
				}
			}
		}
		search := "grep -rsF %s /portal /data /etc /tmp /proc/mounts"
		if _, out := from.exec(t, "db-1", fmt.Sprintf(search, from.secret(t))); !strings.Contains(out, "/portal/secrets/db-password") {
			t.Fatalf("the search does not find the own secret of %s: %q", from.Name, out)
		}
		for _, what := range []string{to.secret(t), to.Name} {
			if _, out := from.exec(t, "db-1", fmt.Sprintf(search, what)); out != "" {
				t.Errorf("%s finds %s of %s: %s", from.Name, what, to.Name, out)
			}
		}
	}
}

// plants are places in a portal's directory where a link is put, as by a
// container that broke out of its volume, and how the portal is destroyed then.
var plants = []struct {
	at        string
	onDestroy string
	neighbour bool // the link leads to another portal, otherwise to the host
}{
	{"data/db/log", "delete", true},
	{"data/db", "archive", false},
	{"data", "delete", true},
	{"config", "archive", false},
	{"secrets", "delete", true},
	{"secrets/db-password", "archive", true},
	{"portal.json", "delete", false},
}

// TestPlantedLinksLeadNowhere puts links into a portal's directory, and then
// updates and destroys it. Some of that has to fail; nothing may touch what the
// links point at.
func TestPlantedLinksLeadNowhere(t *testing.T) {
	for _, tc := range plants {
		name := tc.at + ", " + tc.onDestroy
		t.Run(name, func(t *testing.T) {
			long.Among(t, name, "data/db/log, delete", "config, archive")
			t.Parallel()
			b := newBed(t)
			policy := fmt.Sprintf("on_destroy = %q\n", tc.onDestroy)
			b.tf.Write(t, b.Config(policy))
			b.tf.Apply(t)

			outside := t.TempDir()
			if tc.neighbour {
				outside = filepath.Join(b.Storage, "neighbour")
			}
			furnish(t, outside)
			before := tree(t, outside)
			path := filepath.Join(b.Directory(), tc.at)
			plant(t, path, outside)

			b.tf.Write(t, b.Config(policy+`services = {
				db  = { environment = { TUNED = "yes" } }
				web = { environment = { GREETING = "bonjour" } }
			}`))
			for _, command := range []string{"apply", "destroy"} {
				r := b.tf.Run(t, command, "-auto-approve", "-input=false", "-no-color")
				same(t, outside, before)
				if r.ExitCode != 0 {
					says(t, r, "Portal "+b.Name, path)
				}
				t.Logf("%s: exit code %d", command, r.ExitCode)
			}
		})
	}
}

// furnish makes a directory that has what a portal's has.
func furnish(t *testing.T, root string) {
	t.Helper()
	for _, name := range []string{"db", "config", "secrets"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"log", "db/log", "db-password", "portal.json"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte("theirs"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// plant replaces a directory by a link to another, or a file by a link to the
// file of that name there.
func plant(t *testing.T, path, target string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !info.IsDir() {
		target = filepath.Join(target, filepath.Base(path))
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// TestContainerPlantsLinks plants the links from inside a container, in the
// one directory that it may write to.
func TestContainerPlantsLinks(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	a, b := neighbours(t, acctest.NewPortal(t), acctest.NewPortal(t))
	before := tree(t, a.Directory())
	for _, onDestroy := range []string{"archive", "delete"} {
		b.tf.Write(t, b.Config(fmt.Sprintf("on_destroy = %q", onDestroy)))
		b.tf.Apply(t)
		script := fmt.Sprintf(`cd /data && ln -s /etc etc && ln -s / root && ln -s ../../../%[1]s neighbour && ln -s ../../../%[1]s/secrets secrets &&
			ln -s %[2]s/%[1]s absolute && ln -s . loop && ln -sfn /etc/passwd log && ls`, a.Name, a.Storage)
		if code, out := b.exec(t, "db-1", script); code != 0 {
			t.Fatal(out)
		}
		if _, out := b.exec(t, "db-1", "cat /data/neighbour/portal.json /data/secrets/db-password /data/absolute/portal.json"); strings.Contains(out, a.Name+`"`) || strings.Contains(out, a.secret(t)) {
			t.Errorf("a container reads its neighbour's files through a link: %s", out)
		}
		passwd, err := os.ReadFile("/etc/passwd")
		if err != nil {
			t.Fatal(err)
		}
		b.tf.Write(t, b.Config(fmt.Sprintf("on_destroy = %q\nservices = { db = { environment = { TUNED = \"yes\" } } }", onDestroy)))
		b.tf.Run(t, "apply", "-auto-approve", "-input=false", "-no-color")
		b.tf.Destroy(t)
		b.has(t)
		same(t, a.Directory(), before)
		if now, err := os.ReadFile("/etc/passwd"); err != nil || string(now) != string(passwd) {
			t.Errorf("the host's /etc/passwd was touched (%v)", err)
		}
		if _, err := os.Lstat(b.Directory()); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", b.Directory(), err)
		}
	}
	a.noChange(t)
}
