// SPDX-License-Identifier: MPL-2.0

// Command bench-scale measures how the provider's cost grows with the number of
// portals. Run it with `make bench-scale`.
//
// Portals of the built-in blueprint, 23 containers each, are made, planned,
// changed behind Terraform's back and destroyed on simulated Docker hosts: the
// real Terraform, the real provider, and the real file agent on a real directory,
// before engines in memory whose containers have no processes. So what is
// measured is Terraform and the provider (and the simulator, which shares the
// machine with them), not Docker.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench-scale:", err)
		os.Exit(1)
	}
}

type options struct {
	provider, simulator string
	hosts               int
	sizes               []int
	endpoints           bool
}

func parse() (options, error) {
	o := options{sizes: []int{10, 100, 1000}}
	flag.StringVar(&o.provider, "provider", "", "path of the built provider")
	flag.StringVar(&o.simulator, "simulator", "", "path of the built simulator")
	flag.IntVar(&o.hosts, "hosts", 20, "how many hosts")
	flag.Func("portals", "how many portals, ascending (default 10,100,1000)", func(list string) error {
		o.sizes = nil
		for text := range strings.SplitSeq(list, ",") {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return fmt.Errorf("%q is no number of portals", text)
			}
			o.sizes = append(o.sizes, n)
		}
		return nil
	})
	flag.BoolVar(&o.endpoints, "endpoints", false, "list the requests by endpoint as well")
	flag.Parse()
	for _, path := range []*string{&o.provider, &o.simulator} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return o, err
		}
		if info, err := os.Stat(absolute); err != nil || info.IsDir() {
			return o, errors.New("give -provider and -simulator, the built programs")
		}
		*path = absolute
	}
	return o, nil
}

func run(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	var all []result
	for _, n := range o.sizes {
		r, err := o.measure(ctx, n)
		if err != nil {
			return fmt.Errorf("%d portals: %w", n, err)
		}
		all = append(all, r...)
		report(os.Stdout, r)
		if o.endpoints {
			reportEndpoints(os.Stdout, r)
		}
	}
	reportGrowth(os.Stdout, all)
	return nil
}

// phase is one thing that is done with all portals.
type phase struct {
	name      string
	code      int // terraform's exit code
	arguments []string
	before    func(context.Context) error // nil for nothing
}

// measure lets n portals live on hosts of their own.
func (o options) measure(ctx context.Context, n int) (_ []result, err error) {
	dir, err := os.MkdirTemp("", "scale-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sockets := filepath.Join(dir, "hosts")
	if err := os.Mkdir(sockets, 0o700); err != nil {
		return nil, err
	}
	sim, err := startSimulator(ctx, o.simulator, sockets, o.hosts, images())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sim.stop()) }()
	hosts, err := sim.hosts()
	if err != nil {
		return nil, err
	}
	tf, err := newTerraform(dir, o.provider, hosts)
	if err != nil {
		return nil, err
	}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("scale-%04d", i)
	}
	drifting := names[n/2] + "-lms-1"
	var all []result
	for _, p := range []phase{
		{name: "create", arguments: []string{"apply", "-auto-approve"}},
		{name: "plan, nothing to do", arguments: []string{"plan", "-detailed-exitcode"}},
		{name: "plan, not refreshed", arguments: []string{"plan", "-detailed-exitcode", "-refresh=false"}},
		{name: "plan, one drifted", code: 2, arguments: []string{"plan", "-detailed-exitcode"}, before: func(ctx context.Context) error {
			return sim.act(ctx, drifting, "stop")
		}},
		{name: "apply, one drifted", arguments: []string{"apply", "-auto-approve"}},
		{name: "destroy", arguments: []string{"destroy", "-auto-approve"}},
	} {
		fmt.Fprintf(os.Stderr, "%s  %d portals: %s\n", time.Now().Format(time.TimeOnly), n, p.name)
		if p.before != nil {
			if err := p.before(ctx); err != nil {
				return nil, err
			}
		}
		if err := sim.reset(ctx); err != nil {
			return nil, err
		}
		c, err := tf.run(ctx, names, p.code, p.arguments...)
		if err != nil {
			return nil, err
		}
		asked, err := sim.requests(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, result{n, p.name, c, asked})
	}
	return all, nil
}
