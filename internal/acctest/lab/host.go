// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/sshd"
)

// startTimeout bounds how long a program may take until it is ready. An engine
// that was killed first stops the containers that it finds.
const startTimeout = 2 * time.Minute

// Host is a host of a lab. Its methods are safe for concurrent use only on
// different hosts.
type Host struct {
	// Name is its hostname: h1.
	Name string
	// Address is that of its cable, by which the others and this machine reach it.
	Address string
	// Zone is the value of its engine's label zone, and of its label in provider
	// blocks: a for h1, b for h2, and so on.
	Zone string

	lab    *Lab
	dir    string
	port   port
	cgroup cgroup
	docker *client.Client

	namespaces, engine, sshd daemon
}

func newHost(l *Lab, n int) *Host {
	name := fmt.Sprintf("h%d", n)
	h := &Host{
		Name: name, Zone: string(rune('a' + (n-1)%26)),
		lab: l, dir: filepath.Join(l.Dir, name), port: l.port(name, 10+n),
	}
	h.Address = h.port.address.String()
	h.cgroup = cgroup(h.port.name)
	h.namespaces, h.engine, h.sshd = daemon{"namespaces", h.dir}, daemon{"dockerd", h.dir}, daemon{"sshd", h.dir}
	// Only a socket's address that cannot be read would be an error.
	h.docker, _ = client.NewClientWithOpts(client.WithHost(h.Socket()), client.WithAPIVersionNegotiation())
	return h
}

// Docker is a client of its engine, over the socket that this machine sees. It
// is there while the host is cut off, too.
func (h *Host) Docker() *client.Client { return h.docker }

// Socket is the engine's, as an endpoint for programs on this machine.
func (h *Host) Socket() string { return "unix://" + h.file("run", "docker.sock") }

func (h *Host) file(parts ...string) string {
	return filepath.Join(append([]string{h.dir}, parts...)...)
}

// prepare makes all that is on the host before it is first switched on. Its
// directory run is /run there, etc is /etc/docker.
func (h *Host) prepare(ctx context.Context, ca *authority) error {
	for _, dir := range []string{h.file("data"), h.file("run"), h.file("sshd")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := ca.issueServer(h.file("etc"), h.Name, h.port.address); err != nil {
		return err
	}
	if err := writeAll(h.file("etc", "certs.d", h.lab.Registry.Address), map[string][]byte{"ca.crt": ca.pem()}); err != nil {
		return err
	}
	config, err := json.MarshalIndent(h.engineConfig(), "", "  ")
	if err != nil {
		return err
	}
	if err := writeAll(h.file("etc"), map[string][]byte{"daemon.json": config}); err != nil {
		return err
	}
	if err := h.prepareSSHD(); err != nil {
		return err
	}
	return makeDisk(ctx, h.file("disk"), h.lab.state.Disk)
}

// engineConfig is dockerd's daemon.json. Paths are those that the host sees.
func (h *Host) engineConfig() map[string]any {
	config := map[string]any{
		"hosts":     []string{"unix:///var/run/docker.sock", "tcp://" + net.JoinHostPort(h.Address, "2376")},
		"tlsverify": true, "tlscacert": "/etc/docker/ca.pem", "tlscert": "/etc/docker/cert.pem", "tlskey": "/etc/docker/key.pem",
		"data-root": h.file("data"), "storage-driver": "overlay2",
		"cgroup-parent": "/" + string(h.cgroup), "exec-opts": []string{"native.cgroupdriver=cgroupfs"},
		"labels":           []string{"zone=" + h.Zone},
		"dns":              []string{h.lab.resolver.address()},
		"shutdown-timeout": 5,
	}
	if h.lab.state.Managers > 0 {
		config["no-new-privileges"] = true // Swarm passes it on only from Docker 25 on
	}
	return config
}

func (h *Host) server() sshd.Server {
	return sshd.Server{Dir: h.file("sshd"), Address: net.JoinHostPort(h.Address, "22")}
}

func (h *Host) prepareSSHD() error {
	server := h.server()
	key, err := os.ReadFile(h.lab.clientFile("id_ed25519.pub"))
	if err != nil {
		return err
	}
	server.Key = string(key)
	known, err := server.Prepare()
	if err != nil {
		return err
	}
	return os.WriteFile(h.file("known_hosts"), []byte(known), 0o644)
}

// Start switches the host on, or starts what of it does not run, and waits
// until it answers. A host that was off is connected, at full speed.
func (h *Host) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for _, step := range []func(context.Context) error{h.port.plug, h.startNamespaces, h.startEngine, h.startSSHD} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("start host %s: %w", h.Name, err)
		}
	}
	return nil
}

// boot makes a mount and a UTS namespace and stays, to keep them. What of the
// file system must not be shared is put in place: /run with the engine's socket,
// the engine's configuration and identity, its disk. `ip netns exec` would
// hide the cgroups.
const boot = `
hostname "$1"
mount --make-rprivate /
mount -o loop "$2/disk" "$2/data"
mount --bind "$2/etc" /etc/docker
mount --bind "$2/run" /run
mkdir -p /run/sshd /run/lock
echo up >/run/up
exec sleep infinity
`

func (h *Host) startNamespaces(ctx context.Context) error {
	if h.namespaces.process().alive() {
		return nil
	}
	if err := os.MkdirAll("/etc/docker", 0o755); err != nil {
		return err
	}
	err := h.namespaces.start("nsenter", "--net="+h.port.netns(), "unshare", "--mount", "--uts", "sh", "-ec", boot, "sh", h.Name, h.dir)
	if err != nil {
		return err
	}
	return h.namespaces.await(ctx, func(context.Context) error {
		_, err := os.Stat(h.file("run", "up"))
		return err
	})
}

// inside is a command that runs in the host's namespaces, as the same process.
func (h *Host) inside(command ...string) []string {
	return append([]string{"nsenter", "--target", strconv.Itoa(h.namespaces.process().PID), "--net", "--mount", "--uts"}, command...)
}

func (h *Host) startEngine(ctx context.Context) error {
	if !h.engine.process().alive() {
		if err := h.engine.start(h.inside("dockerd")...); err != nil {
			return err
		}
	}
	return h.engine.await(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err := h.docker.Ping(ctx)
		return err
	})
}

func (h *Host) startSSHD(ctx context.Context) error {
	if h.sshd.process().alive() {
		return nil
	}
	if err := h.sshd.start(h.inside(h.server().Command()...)...); err != nil {
		return err
	}
	// Its answer may not arrive: a host that is cut off may start.
	return h.sshd.await(ctx, func(context.Context) error {
		if !strings.Contains(h.sshd.tail(), "Server listening on "+h.Address) {
			return errors.New("it does not listen")
		}
		return nil
	})
}

// Run runs a program on the host, as root, and returns what it wrote.
func (h *Host) Run(ctx context.Context, command ...string) (string, error) {
	command = h.inside(command...)
	var failure bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("on host %s: %s: %w: %s", h.Name, strings.Join(command, " "), err, failure.String())
	}
	return string(out), nil
}

// processes are all of the host: its programs and its containers.
func (h *Host) processes() []process {
	return append(h.port.processes(), h.cgroup.processes()...)
}

// powerOff ends all at once and leaves what is on disks.
func (h *Host) powerOff(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := h.powerOffSteps(ctx); err != nil {
		return fmt.Errorf("switch host %s off: %w", h.Name, err)
	}
	return nil
}

func (h *Host) powerOffSteps(ctx context.Context) error {
	// None of them runs again: they are killed before they are let go.
	for _, p := range h.processes() {
		if err := p.signal(syscall.SIGKILL); err != nil {
			return err
		}
	}
	if err := h.cgroup.freeze(false); err != nil {
		return err
	}
	find := func() []process {
		all := h.processes()
		for _, d := range []daemon{h.namespaces, h.engine, h.sshd} {
			if p := d.process(); p.alive() {
				all = append(all, p)
			}
		}
		return all
	}
	if err := killAll(ctx, find); err != nil {
		return err
	}
	if err := h.cgroup.remove(ctx); err != nil {
		return err
	}
	if err := h.port.unplug(ctx); err != nil {
		return err
	}
	if err := awaitDetached(ctx, h.file("disk")); err != nil {
		return err
	}
	// In memory on a real host.
	return emptyDir(h.file("run"))
}

// emptyDir empties a directory, which may be missing.
func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Accepted is how many connections the host's sshd has let in.
func (h *Host) Accepted() (int, error) {
	log, err := os.ReadFile(h.sshd.log())
	return strings.Count(string(log), "Accepted publickey for "), err
}
