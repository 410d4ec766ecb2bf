// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/privateportals/terraform-provider-portal/tools/bench/load"
)

// The files that every server gives, by the sizes of their content in bytes.
const (
	smallFile, smallSize = "/small.txt", 1 << 10
	largeFile, largeSize = "/large.txt", 100 << 10
)

// shape is one way to ask.
type shape struct {
	path        string
	size        int64
	connections int
	duration    time.Duration
}

// The first shows throughput, the second what bytes cost, and the last what a
// request costs that waits behind no other.
var shapes = [...]shape{
	busy:  {smallFile, smallSize, 32, 800 * time.Millisecond},
	large: {largeFile, largeSize, 32, 300 * time.Millisecond},
	quiet: {smallFile, smallSize, 1, 400 * time.Millisecond},
}

const (
	busy = iota
	large
	quiet
)

const (
	warmUp = 200 * time.Millisecond
	// startTimeout is how long a server may take to give its first answer.
	startTimeout = 30 * time.Second
)

// kind is what stands between the client and the answer.
type kind int

const (
	nginxAlone kind = iota
	caddyAlone
	caddyProxy // to nginx
	wholePath  // gateway, load balancer, nginx
)

var kindNames = [...]string{"nginx alone", "Caddy alone", "Caddy as a proxy to nginx", "gateway, load balancer, nginx"}

// server is one of those that are compared.
type server struct {
	kind   kind
	target load.Target
	// What each round showed.
	rounds [len(shapes)][]figures
	// Over all rounds.
	answers, failed int
	failure         error // the first
}

func (s *server) String() string {
	if s.target.TLS {
		return kindNames[s.kind] + ", TLS"
	}
	return kindNames[s.kind]
}

// figures are what one run of a load showed.
type figures struct {
	rate     float64 // answers per second
	p50, p99 time.Duration
}

// ingress is the part of the benchmark that compares a portal behind a gateway
// with the bare servers.
type ingress struct {
	address string // of this machine, by which all are reached
	servers []*server
	// viaProxy tells that requests go through docker-proxy, and not straight to
	// the containers.
	viaProxy bool
}

func (s *server) file(by shape) load.File {
	return load.File{Target: s.target, Path: by.path, Size: by.size}
}

// measureIngress starts all servers, and lets every round ask each of them in
// each shape, one server after the other.
func (b *bench) measureIngress(ctx context.Context) error {
	images, err := demoImages(ctx, b.log)
	if err != nil {
		return err
	}
	b.ingress.address = localAddress()
	path, err := newProductPath(b.terraform, images, b.ingress.address)
	if err != nil {
		return err
	}
	b.log("starting nginx and Caddy")
	servers, err := (&alone{workload: b.workload, docker: b.docker, images: images, address: b.ingress.address, path: path}).start(ctx)
	if err != nil {
		return err
	}
	b.log("terraform apply: two gateways, and a portal behind each")
	if err := path.apply(ctx); err != nil {
		return err
	}
	b.ingress.servers = inOrder(append(servers, path.servers()...))
	if err := b.ingress.ready(ctx); err != nil {
		return err
	}
	for round := range b.rounds {
		b.log("ingress, round %d of %d", round+1, b.rounds)
		if err := b.ingress.round(ctx); err != nil {
			return err
		}
	}
	b.log("destroying gateways and portals")
	return path.destroy(ctx)
}

// inOrder sorts servers: those without TLS first, each by its kind.
func inOrder(servers []*server) []*server {
	rank := func(s *server) int {
		if s.target.TLS {
			return int(s.kind) + len(kindNames)
		}
		return int(s.kind)
	}
	slices.SortFunc(servers, func(x, y *server) int { return rank(x) - rank(y) })
	return servers
}

// ready waits until each server gives both files, finds out how requests reach
// it, and warms it up.
func (in *ingress) ready(ctx context.Context) error {
	for i, s := range in.servers {
		waiting, cancel := context.WithTimeout(ctx, startTimeout)
		err := errors.Join(load.Wait(waiting, s.file(shapes[large])), load.Wait(waiting, s.file(shapes[busy])))
		cancel()
		if err != nil {
			return fmt.Errorf("%s gives no answer: %w", s, err)
		}
		proxied, err := throughProxy(s.target.Address)
		if err != nil {
			return err
		}
		if i > 0 && proxied != in.viaProxy {
			return fmt.Errorf("%s is reached in another way than %s: their figures cannot be compared", s, in.servers[0])
		}
		in.viaProxy = proxied
		load.Run(ctx, s.file(shapes[busy]), shapes[busy].connections, warmUp)
	}
	return nil
}

func (in *ingress) round(ctx context.Context) error {
	for i, by := range shapes {
		for _, s := range in.servers {
			r := load.Run(ctx, s.file(by), by.connections, by.duration)
			if err := ctx.Err(); err != nil {
				return err
			}
			s.rounds[i] = append(s.rounds[i], figures{rate: r.Rate(), p50: r.Percentile(0.5), p99: r.Percentile(0.99)})
			s.answers += len(r.Latencies)
			s.failed += r.Failed
			if s.failure == nil {
				s.failure = r.Err
			}
		}
	}
	return nil
}

// failures is an error when any request failed: then no figure means anything.
func (in *ingress) failures() error {
	var err error
	for _, s := range in.servers {
		if s.failed > 0 {
			err = errors.Join(err, fmt.Errorf("%s: %d requests failed, the first: %w", s, s.failed, s.failure))
		}
	}
	return err
}

// demoImages builds the demo images of nginx and Caddy unless they are there,
// and returns them by their roles.
func demoImages(ctx context.Context, log func(string, ...any)) (map[string]string, error) {
	log("demo images of nginx and Caddy")
	script := filepath.Join("images", "build")
	build := exec.CommandContext(ctx, script, "nginx", "load-balancer")
	out, err := build.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("build the demo images with tools/%s (run this in tools/): %w", script, err)
	}
	var images map[string]string
	if err := json.Unmarshal(out, &images); err != nil {
		return nil, fmt.Errorf("what tools/%s printed: %w", script, err)
	}
	return images, nil
}
