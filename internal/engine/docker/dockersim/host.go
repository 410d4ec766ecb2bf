// SPDX-License-Identifier: MPL-2.0

// Package dockersim stands in for Docker Engines in tests and benchmarks: it
// answers, from memory, the part of the Engine API that this program uses, as
// Docker 20.10 answers it. Containers have no processes; what one would do is a
// Program. So thousands of containers on dozens of hosts fit into one process,
// and what is measured is the client.
package dockersim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options of a Host. The zero value is a host of the machine's own make.
type Options struct {
	// Name of the host, for info.
	Name string
	// Memory of the host in bytes; 0 means 64 GiB.
	Memory int64
	// Images that the host has, by reference.
	Images []string
	// Program says what a container runs; nil means Programs.
	Program func(Process) Program
	// HealthAfter is how long a container with a health check that will
	// succeed is "starting".
	HealthAfter time.Duration
}

// Host is one simulated Docker Engine. It is an http.Handler, safe for
// concurrent use.
type Host struct {
	options Options
	routes  *http.ServeMux
	counter counter
	events  bus
	ended   context.Context // of whatever runs in containers
	end     context.CancelFunc

	mu         sync.RWMutex // guards all below
	containers map[string]*simContainer
	names      map[string]*simContainer
	networks   map[string]*simNetwork // by id
	images     map[string]*simImage   // by reference
	execs      map[string]*simExec
	ports      map[hostPort]string // the container's id
	nextPort   int
	nextPID    int
}

// New makes a host that has nothing but its images.
func New(o Options) *Host {
	if o.Memory == 0 {
		o.Memory = 64 << 30
	}
	if o.Program == nil {
		o.Program = Programs
	}
	h := &Host{
		options:    o,
		containers: map[string]*simContainer{}, names: map[string]*simContainer{},
		networks: map[string]*simNetwork{}, images: map[string]*simImage{},
		execs: map[string]*simExec{}, ports: map[hostPort]string{},
		nextPort: firstPort, nextPID: 1000,
	}
	h.ended, h.end = context.WithCancel(context.Background())
	for _, ref := range o.Images {
		h.addImage(ref)
	}
	h.addPredefinedNetworks()
	h.routes = h.mux()
	return h
}

// Close ends what runs in containers.
func (h *Host) Close() { h.end() }

// Listen serves on a unix socket until the Host is closed.
func (h *Host) Listen(socket string) error {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	context.AfterFunc(h.ended, func() { _ = s.Close() })
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Printf("dockersim: %s: %v", socket, err)
		}
	}()
	return nil
}

// newID is a random id of 64 hexadecimal digits.
func newID() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// timeText is a time as Docker writes it.
func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
