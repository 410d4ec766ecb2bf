// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// state is what a lab cannot derive from anything else.
type state struct {
	Subnet   int // x of 10.77.x.0/24
	Hosts    int
	Managers int
	Disk     int64
	Drive    string
	Password string // of the registry
}

func stateFile(dir string) string { return filepath.Join(dir, "lab.json") }

func (l *Lab) save() error {
	text, err := json.MarshalIndent(l.state, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(stateFile(l.Dir), text, 0o600)
}

func load(dir string) (state, error) {
	var s state
	text, err := os.ReadFile(stateFile(dir))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("read %s: %w", stateFile(dir), err)
	}
	return s, nil
}

// claims has a file for each subnet that a lab uses, named by its number, with
// the lab's directory and who owns it.
const claims = "/run/portal-lab"

// claimed is the content of such a file.
type claimed struct {
	Dir   string
	Owner process // none: the lab stays when the program that made it has ended
}

func claimFile(subnet int) string { return filepath.Join(claims, strconv.Itoa(subnet)) }

// claim takes a subnet that nobody uses. First it removes labs of tests that
// were killed before they could do so.
func claim(ctx context.Context, dir string, owned bool) (subnet int, err error) {
	unlock, err := lockClaims()
	if err != nil {
		return 0, err
	}
	defer unlock()
	err = eachClaim(func(subnet int, c claimed) error {
		if c.Owner.PID == 0 || c.Owner.alive() {
			return nil
		}
		return downClaimed(ctx, subnet, c.Dir)
	})
	if err != nil {
		return 0, fmt.Errorf("remove labs that were left behind: %w", err)
	}
	c := claimed{Dir: dir}
	if owned {
		c.Owner = self()
	}
	text, err := json.Marshal(c)
	if err != nil {
		return 0, err
	}
	for n := range 256 {
		if _, err := os.Stat(claimFile(n)); err == nil || addressInUse(n) {
			continue
		}
		return n, os.WriteFile(claimFile(n), text, 0o600)
	}
	return 0, errors.New("all of 10.77.0.0/16 is in use: take labs down (make lab-down ALL=1)")
}

func unclaim(subnet int) error {
	if err := os.Remove(claimFile(subnet)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// DownAll removes all labs of this machine, also those of tests that run.
func DownAll(ctx context.Context) error {
	return eachClaim(func(subnet int, c claimed) error { return downClaimed(ctx, subnet, c.Dir) })
}

// downClaimed removes the lab that has a subnet. Somebody may have removed its
// directory, though its hosts run.
func downClaimed(ctx context.Context, subnet int, dir string) error {
	l, err := Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return newLab(dir, state{Subnet: subnet, Hosts: maxHosts}).stop(ctx)
	}
	if err != nil {
		return err
	}
	return l.Down(ctx)
}

// holder is the directory of the lab that has a subnet, empty when none has.
func holder(subnet int) string {
	var c claimed
	text, err := os.ReadFile(claimFile(subnet))
	if err != nil || json.Unmarshal(text, &c) != nil {
		return ""
	}
	return c.Dir
}

func eachClaim(do func(subnet int, c claimed) error) error {
	entries, err := os.ReadDir(claims)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		subnet, err := strconv.Atoi(e.Name())
		if err != nil {
			continue // the lock
		}
		text, err := os.ReadFile(claimFile(subnet))
		if errors.Is(err, fs.ErrNotExist) {
			continue // just taken down
		}
		if err != nil {
			return err
		}
		var c claimed
		if err := json.Unmarshal(text, &c); err != nil {
			return fmt.Errorf("read %s: %w", claimFile(subnet), err)
		}
		if err := do(subnet, c); err != nil {
			return err
		}
	}
	return nil
}

// lockClaims keeps others from choosing a subnet at the same time.
func lockClaims() (unlock func(), err error) {
	if err := os.MkdirAll(claims, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(claims, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// addressInUse tells whether this machine has an address of a subnet.
func addressInUse(subnet int) bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false // the bridge cannot be made then, which says why
	}
	prefix := netip.PrefixFrom(address(subnet, 0), 24).Masked()
	for _, a := range addresses {
		text, _, _ := strings.Cut(a.String(), "/")
		if ip, err := netip.ParseAddr(text); err == nil && prefix.Contains(ip) {
			return true
		}
	}
	return false
}
