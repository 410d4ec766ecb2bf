// SPDX-License-Identifier: MPL-2.0

//go:build lab

package lab_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
)

// TestLabLeavesNothing takes down a lab whose programs were killed by somebody
// else, and another that could not be started.
func TestLabLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "lab")
	l, err := lab.Up(t.Context(), lab.Options{Dir: dir, Hosts: 1})
	must(t, err)
	t.Cleanup(func() { must(t, lab.Down(t.Context(), dir)) })
	h := l.Hosts[0]
	subnet := strings.Split(h.Address, ".")[2]
	name := "lab" + subnet

	if _, err := lab.Up(t.Context(), lab.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "make lab-down") {
		t.Errorf("a second lab in the same directory: %v", err)
	}
	pids, err := exec.Command("ip", "netns", "pids", name+"h1").Output()
	must(t, err)
	killed := 0
	for pid := range strings.FieldsSeq(string(pids)) {
		n, err := strconv.Atoi(pid)
		must(t, err)
		if syscall.Kill(n, syscall.SIGKILL) == nil {
			killed++
		}
	}
	if killed < 3 { // what keeps the namespaces, dockerd, sshd
		t.Errorf("the host had %d processes", killed)
	}
	must(t, lab.Down(t.Context(), dir))
	must(t, lab.Down(t.Context(), dir))
	if _, err := lab.Open(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open what was taken down: %v", err)
	}
	for _, path := range []string{dir, "/run/netns/" + name + "h1", "/run/netns/" + name + "reg", "/sys/fs/cgroup/freezer/" + name + "h1"} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	for _, link := range []string{name, name + "h1", name + "reg"} {
		if _, err := net.InterfaceByName(link); err == nil {
			t.Errorf("the link %s is left", link)
		}
	}
	rules, err := exec.Command("iptables", "-w", "-S", "FORWARD").Output()
	must(t, err)
	if strings.Contains(string(rules), name+" ") {
		t.Errorf("rules are left:\n%s", rules)
	}
	loops, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, loop := range loops {
		if text, err := os.ReadFile(loop); err == nil && strings.HasPrefix(string(text), dir) {
			t.Errorf("%s is left", text)
		}
	}
}
