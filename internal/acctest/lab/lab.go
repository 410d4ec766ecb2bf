// SPDX-License-Identifier: MPL-2.0

// Package lab runs a pool of Docker hosts on one Debian machine, as root: real
// engines, each in a network namespace with a hostname, an address, a disk, TLS
// certificates and an sshd of its own, and a registry that asks for a password.
// All see this machine's file system, so that any directory of it stands for
// the drive they share. Hosts can be made to fail in many ways, each of which
// can be undone.
//
// What runs outlives the program that started it: a lab is its directory, from
// which Open finds it again and Down removes it.
package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/sshd"
)

// DefaultDir is where a lab is kept that nobody chose a directory for.
const DefaultDir = "/var/lib/portal-lab"

// maxHosts is what the addresses of a lab are enough for.
const maxHosts = 50

// Options say how large a lab is.
type Options struct {
	// Dir keeps it: state, keys, logs, sockets, disks. It must not exist, or be
	// empty. Default: DefaultDir.
	Dir string
	// Hosts is how many. Default: 3.
	Hosts int
	// Managers is how many of them manage a Swarm of all. 0 makes no Swarm.
	Managers int
	// Disk is the size in bytes of each host's disk, which takes room only as it
	// is used. Default: 32 GiB.
	Disk int64
	// Drive is the directory that hosts share. Default: one in Dir. Down leaves
	// one that is elsewhere.
	Drive string

	owned bool // by this process: without it, the lab may be taken down
}

func (o *Options) defaults() error {
	if o.Dir == "" {
		o.Dir = DefaultDir
	}
	if o.Hosts == 0 {
		o.Hosts = 3
	}
	if o.Disk == 0 {
		o.Disk = 32 << 30
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	o.Dir = dir
	if o.Drive == "" {
		o.Drive = filepath.Join(o.Dir, "drive")
	}
	switch {
	case o.Hosts < 1 || o.Hosts > maxHosts:
		return fmt.Errorf("%d hosts: a lab has 1 to %d", o.Hosts, maxHosts)
	case o.Managers < 0 || o.Managers > o.Hosts:
		return fmt.Errorf("%d managers of a Swarm: there are %d hosts", o.Managers, o.Hosts)
	}
	return nil
}

// Lab is a pool of hosts that runs.
type Lab struct {
	// Dir keeps the lab, Drive is the directory that its hosts share.
	Dir, Drive string
	// Hosts are named h1, h2, and so on.
	Hosts []*Host
	// Registry is reached by all hosts, which trust its certificate.
	Registry *Registry

	resolver *resolver

	state state
}

// Up makes a lab and starts all of it. What it started is taken down again when
// it fails.
func Up(ctx context.Context, o Options) (l *Lab, err error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	if err := checkMachine(); err != nil {
		return nil, err
	}
	if err := makeDir(o.Dir); err != nil {
		return nil, err
	}
	subnet, err := claim(ctx, o.Dir, o.owned)
	if err != nil {
		return nil, err
	}
	l = newLab(o.Dir, state{Subnet: subnet, Hosts: o.Hosts, Managers: o.Managers, Disk: o.Disk, Drive: o.Drive, Password: rand.Text()})
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Down(context.WithoutCancel(ctx)))
		}
	}()
	if err := l.prepare(ctx); err != nil {
		return nil, err
	}
	if err := l.eachMember(func(m member) error { return m.Start(ctx) }); err != nil {
		return nil, err
	}
	return l, l.makeSwarm(ctx)
}

// makeDir makes the lab's directory. Users other than root pass through it to
// their keys and the drive.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: a lab is kept there already (make lab-down removes it), or something else is", dir)
	}
	return os.Chmod(dir, 0o755)
}

// checkMachine looks for all that a lab needs of the machine.
func checkMachine() error {
	if os.Geteuid() != 0 {
		return errors.New("a lab needs root: it makes network namespaces and starts Docker Engines")
	}
	for program, pkg := range map[string]string{
		"dockerd": "docker.io", "docker-registry": "docker-registry", "dnsmasq": "dnsmasq-base", sshd.Program: "openssh-server",
		"ip": "iproute2", "bridge": "iproute2", "tc": "iproute2", "iptables": "iptables",
		"nsenter": "util-linux", "unshare": "util-linux", "mkfs.ext4": "e2fsprogs",
	} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("a lab needs %s: run `make lab`, or apt-get install %s", program, pkg)
		}
	}
	return nil
}

// newLab derives everything from the state.
func newLab(dir string, s state) *Lab {
	l := &Lab{Dir: dir, Drive: s.Drive, state: s}
	l.Registry, l.resolver = newRegistry(l), newResolver(l)
	for n := range s.Hosts {
		l.Hosts = append(l.Hosts, newHost(l, n+1))
	}
	return l
}

// prepare writes the lab's files, and makes the network that joins it.
func (l *Lab) prepare(ctx context.Context) error {
	if err := l.save(); err != nil {
		return err
	}
	if err := os.MkdirAll(l.Drive, 0o755); err != nil {
		return err
	}
	ca, err := l.writeClientKeys()
	if err != nil {
		return err
	}
	if err := l.eachMember(func(m member) error { return m.prepare(ctx, ca) }); err != nil {
		return err
	}
	if err := l.writeProviders(); err != nil {
		return err
	}
	return l.makeBridge(ctx)
}

// Open finds the lab that is kept in a directory. No lab is an error that is
// fs.ErrNotExist.
func Open(dir string) (*Lab, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s, err := load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no lab in %s: make lab-up starts one (%w)", dir, err)
	}
	if err != nil {
		return nil, err
	}
	return newLab(dir, s), nil
}

// Host finds a host by its name.
func (l *Lab) Host(name string) (*Host, error) {
	for _, h := range l.Hosts {
		if h.Name == name {
			return h, nil
		}
	}
	return nil, fmt.Errorf("host %q: the lab has h1 to h%d", name, len(l.Hosts))
}

// Down ends all that runs in the lab and removes it, whatever is left of it.
func (l *Lab) Down(ctx context.Context) error {
	// Since the machine was started anew its subnet may be another lab's.
	if holder(l.state.Subnet) == l.Dir {
		if err := l.stop(ctx); err != nil {
			return err
		}
	}
	return os.RemoveAll(l.Dir)
}

// stop ends all that runs in the lab and gives its subnet back.
func (l *Lab) stop(ctx context.Context) error {
	err := errors.Join(
		l.eachMember(func(m member) error { return m.powerOff(ctx) }),
		l.removeBridge(ctx),
	)
	if err != nil {
		return fmt.Errorf("take down the lab in %s: %w", l.Dir, err)
	}
	for _, h := range l.Hosts {
		h.docker.Close()
	}
	return unclaim(l.state.Subnet)
}

// Down removes the lab that is kept in a directory. There may be none.
func Down(ctx context.Context, dir string) error {
	l, err := Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.Down(ctx)
}

// member is what has an address in the lab.
type member interface {
	prepare(ctx context.Context, ca *authority) error
	Start(ctx context.Context) error
	powerOff(ctx context.Context) error
}

// eachMember does something to all at once, and returns all errors.
func (l *Lab) eachMember(do func(member) error) error {
	members := []member{l.Registry, l.resolver}
	for _, h := range l.Hosts {
		members = append(members, h)
	}
	errs := make([]error, len(members))
	var g errgroup.Group
	for i, m := range members {
		g.Go(func() error {
			errs[i] = do(m)
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	return errors.Join(errs...)
}
