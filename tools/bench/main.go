// SPDX-License-Identifier: MPL-2.0

// Command bench measures the provider against the least that the same work can
// cost. Run it with `make bench`. It has three parts:
//
//   - stack: the raw calls of Docker's API, docker compose and the provider make,
//     read and destroy the same stack;
//   - plans: plans of many portals that find nothing to do, against the raw calls
//     that read as much;
//   - ingress: a static answer through gateway and load balancer, against nginx
//     alone and Caddy alone, without TLS and with it.
//
// Every round lets each of those that are compared do its work, one after the
// other, so that a noisy machine is unfair to all alike. One part alone:
// `make bench BENCH_FLAGS="-only ingress"`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// Parts of the benchmark.
const (
	stackPart   = "stack"
	plansPart   = "plans"
	ingressPart = "ingress"
)

type options struct {
	provider string
	compose  string
	rounds   int
	portals  []int
	parts    []string
}

func (o options) has(part string) bool { return slices.Contains(o.parts, part) }

func parse() (options, error) {
	all := []string{stackPart, plansPart, ingressPart}
	o := options{portals: []int{1, 10, 20}, parts: all}
	flag.Func("only", "parts to measure (default "+strings.Join(all, ",")+")", func(list string) error {
		o.parts = strings.Split(list, ",")
		for _, part := range o.parts {
			if !slices.Contains(all, part) {
				return fmt.Errorf("there is no part %q; the parts are %s", part, strings.Join(all, ", "))
			}
		}
		return nil
	})
	flag.StringVar(&o.provider, "provider", "", "path of the built provider")
	flag.StringVar(&o.compose, "compose", "docker compose", "how to call docker compose")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each thing is measured; the median counts")
	flag.Func("portals", "sizes of the plans with many portals, ascending, \"\" for none (default 1,10,20)", func(list string) error {
		o.portals = nil
		for text := range strings.SplitSeq(list, ",") {
			n, err := strconv.Atoi(text)
			if err != nil && list != "" {
				return err
			}
			if n > 0 {
				o.portals = append(o.portals, n)
			}
		}
		return nil
	})
	flag.Parse()
	if o.provider == "" || o.rounds < 1 {
		return o, errors.New("give -provider and at least one round")
	}
	path, err := filepath.Abs(o.provider)
	if err != nil {
		return o, err
	}
	if _, err := os.Stat(path); err != nil {
		return o, fmt.Errorf("the provider is not built: %w", err)
	}
	o.provider = path
	return o, nil
}

// bench is one run of all measurements.
type bench struct {
	options
	workload
	socket    string
	docker    *docker
	counter   *counter
	terraform *terraform
	results   []*result
	start     samples // Terraform's own start, with one portal
	many      []manyResult
	version   string // of docker compose, empty without it
	ingress   ingress
}

func (b *bench) log(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, arguments...))
}

func run(ctx context.Context) (err error) {
	b := &bench{}
	if b.options, err = parse(); err != nil {
		return err
	}
	if b.socket, err = socketPath(); err != nil {
		return err
	}
	if b.docker, err = connect(ctx, b.socket); err != nil {
		return err
	}
	b.run = fmt.Sprintf("bench%d", os.Getpid())
	b.image = "portal-bench/pause:" + b.run
	// Beneath /tmp also where TMPDIR leads to a place the engine does not see.
	if b.dir, err = os.MkdirTemp("/tmp", "portal-bench-"); err != nil {
		return err
	}
	defer func() {
		b.log("removing what the run made")
		err = errors.Join(err, b.docker.sweep(context.WithoutCancel(ctx), b.run, b.image), os.RemoveAll(b.dir))
	}()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer b.counter.Close()
	if err := b.measure(ctx); err != nil {
		return err
	}
	b.report(os.Stdout)
	return b.ingress.failures()
}

// prepare lays out what the parts share.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.subnets, err = newSubnets(ctx, b.docker); err != nil {
		return err
	}
	if b.counter, err = newCounter(b.dir, b.socket); err != nil {
		return err
	}
	if b.terraform, err = newTerraform(b.workload, b.provider, b.socket); err != nil {
		return err
	}
	if b.has(stackPart) || b.has(plansPart) {
		b.log("building the image of the stack")
		return buildImage(ctx, b.docker, b.dir, b.image)
	}
	return nil
}

func (b *bench) measure(ctx context.Context) error {
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{stackPart, b.measureStack},
		{plansPart, b.measurePlans},
		{ingressPart, b.measureIngress},
	} {
		if !b.has(part.name) {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// listContenders lists who makes the stack.
func (b *bench) listContenders(ctx context.Context) {
	for _, parallel := range []int{1, 4, 8, services} {
		b.results = append(b.results, &result{contender: &floor{workload: b.workload, docker: b.docker, parallel: parallel}})
	}
	var command []string
	if command, b.version = findCompose(ctx, b.compose); command != nil {
		b.results = append(b.results, &result{contender: &compose{
			workload: b.workload, command: command, commander: commander{socket: b.socket},
		}})
	}
	b.results = append(b.results, &result{contender: b.terraform})
}

func (b *bench) measureStack(ctx context.Context) error {
	b.listContenders(ctx)
	// The first round is to warm up (the provider's agent image, caches) and is
	// thrown away.
	for round := range b.rounds + 1 {
		if round == 0 {
			b.log("warming up")
		} else {
			b.log("round %d of %d", round, b.rounds)
		}
		for _, r := range b.results {
			if err := r.round(ctx, roundID(round)); err != nil {
				return err
			}
			if round == 0 {
				*r = result{contender: r.contender}
			}
		}
		one := []string{b.terraform.project(roundID(round))}
		if err := b.start.add(func() error { return b.terraform.start(ctx, one) }); err != nil {
			return err
		}
	}
	b.log("counting requests")
	for _, r := range b.results {
		r.contender.through(b.counter.socket, true)
		err := r.countRequests(ctx, b.counter, "count")
		r.contender.through(b.socket, false)
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) measurePlans(ctx context.Context) error {
	for _, n := range b.portals {
		m, err := b.measureMany(ctx, n)
		if err != nil {
			return fmt.Errorf("%d portals: %w", n, err)
		}
		b.many = append(b.many, m)
	}
	if len(b.portals) > 0 {
		b.log("destroying the portals")
		return b.terraform.destroyAll(ctx)
	}
	return nil
}
