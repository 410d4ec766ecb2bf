// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// address is the n-th of a lab. This machine has the first.
func address(subnet, n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 77, byte(subnet), byte(n)})
}

// Machine is the address at which the hosts reach this machine.
func (l *Lab) Machine() string { return address(l.state.Subnet, 1).String() }

func (l *Lab) bridge() string { return fmt.Sprintf("lab%d", l.state.Subnet) }

// makeBridge makes the network of the lab, with this machine on it.
func (l *Lab) makeBridge(ctx context.Context) error {
	err := run(ctx, fmt.Sprintf("link add %[1]s type bridge\naddress add %[2]s/24 dev %[1]s\nlink set %[1]s up\n",
		l.bridge(), l.Machine()), "ip", "-batch", "-")
	if err != nil {
		return err
	}
	// Docker lets this machine forward nothing else, between ports of a bridge
	// neither.
	for _, rule := range l.rules() {
		if err := run(ctx, "", "iptables", append([]string{"-w", "-I"}, rule...)...); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) rules() [][]string {
	return [][]string{
		{"FORWARD", "-i", l.bridge(), "-j", "ACCEPT"},
		{"FORWARD", "-o", l.bridge(), "-j", "ACCEPT"},
	}
}

// removeBridge undoes makeBridge, whatever of it was done.
func (l *Lab) removeBridge(ctx context.Context) error {
	for _, rule := range l.rules() {
		for exec.CommandContext(ctx, "iptables", append([]string{"-w", "-C"}, rule...)...).Run() == nil {
			if err := run(ctx, "", "iptables", append([]string{"-w", "-D"}, rule...)...); err != nil {
				return err
			}
		}
	}
	if !hasLink(l.bridge()) {
		return nil
	}
	return run(ctx, "", "ip", "link", "delete", l.bridge())
}

func hasLink(name string) bool {
	_, err := net.InterfaceByName(name)
	return err == nil
}

// port is where a member of the lab is on the network: a network namespace, and
// a cable from the bridge to the eth0 in it.
type port struct {
	name    string // of the namespace and of the cable's end at the bridge
	bridge  string
	address netip.Addr
}

func (l *Lab) port(suffix string, n int) port {
	return port{l.bridge() + suffix, l.bridge(), address(l.state.Subnet, n)}
}

func (p port) netns() string { return filepath.Join("/run/netns", p.name) }

// plug makes the namespace and connects it, unless that was done. No way leads
// out of the lab but to this machine: what asks the internet hears so at once.
//
// This machine knows the member's Ethernet address for good. Else it would ask
// for it in vain while the member is cut off, and report no route within
// seconds, whereas hosts behind a router are just silent.
func (p port) plug(ctx context.Context) error {
	if hasLink(p.name) {
		return nil
	}
	a := p.address.As4()
	mac := fmt.Sprintf("02:4d:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3])
	err := run(ctx, fmt.Sprintf(`netns add %[1]s
link add %[1]s type veth peer name eth0 address %[2]s netns %[1]s
link set %[1]s master %[3]s up
neighbour replace %[4]s lladdr %[2]s dev %[3]s nud permanent
`, p.name, mac, p.bridge, p.address), "ip", "-batch", "-")
	if err != nil {
		return err
	}
	return run(ctx, fmt.Sprintf("link set lo up\nlink set eth0 up\naddress add %s/24 dev eth0\n", p.address),
		"ip", "-n", p.name, "-batch", "-")
}

// vacate ends what runs in the namespace, which errors call what, and removes it.
func (p port) vacate(ctx context.Context, what string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := killAll(ctx, p.processes); err != nil {
		return fmt.Errorf("stop the %s: %w", what, err)
	}
	return p.unplug(ctx)
}

// unplug removes the namespace and all in it, if it is there. No process may be
// left in it.
func (p port) unplug(ctx context.Context) error {
	var batch string
	if hasLink(p.name) {
		batch += "link delete " + p.name + "\n"
	}
	if _, err := os.Stat(p.netns()); err == nil {
		batch += "netns delete " + p.name + "\n"
	}
	if batch == "" {
		return nil
	}
	return run(ctx, batch, "ip", "-batch", "-")
}

// forward lets frames pass between the bridge and the cable, or none. Neither
// end notices.
func (p port) forward(ctx context.Context, on bool) error {
	const disabled, forwarding = "0", "3"
	to := disabled
	if on {
		to = forwarding
	}
	return run(ctx, "", "bridge", "link", "set", "dev", p.name, "state", to)
}

// limit makes the cable slow in both directions. What does not pass at once
// waits; after a minute of that it is dropped.
func (p port) limit(ctx context.Context, bitsPerSecond int) error {
	line := []string{"root", "tbf", "rate", strconv.Itoa(bitsPerSecond) + "bit", "burst", "3000", "latency", "60s"}
	return errors.Join(
		run(ctx, "", "tc", append([]string{"qdisc", "replace", "dev", p.name}, line...)...),
		run(ctx, "", "tc", append([]string{"-n", p.name, "qdisc", "replace", "dev", "eth0"}, line...)...),
	)
}

// unlimit undoes limit, which must have been done.
func (p port) unlimit(ctx context.Context) error {
	return errors.Join(
		run(ctx, "", "tc", "qdisc", "delete", "dev", p.name, "root"),
		run(ctx, "", "tc", "-n", p.name, "qdisc", "delete", "dev", "eth0", "root"),
	)
}

// processes are those in the namespace. A thread of dockerd may look into that
// of a container for a moment, so one look may miss some.
func (p port) processes() []process {
	netns, err := os.Stat(p.netns())
	if err != nil {
		return nil
	}
	names, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
	var found []process
	for _, name := range names {
		own, err := os.Stat(filepath.Join(name, "ns", "net"))
		if err != nil || !os.SameFile(netns, own) {
			continue // another, or ended
		}
		if pid, err := strconv.Atoi(filepath.Base(name)); err == nil {
			if started, ok := startTime(pid); ok {
				found = append(found, process{pid, started})
			}
		}
	}
	return found
}
