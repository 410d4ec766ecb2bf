// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/docker/go-units"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
)

// slowest is a line on which requests take seconds, in bits per second.
const slowest = "64k"

// faults are what can befall a host, and what undoes it.
var faults = map[string]func(ctx context.Context, h *lab.Host, argument string) error{
	"pause":     func(_ context.Context, h *lab.Host, _ string) error { return h.Pause() },
	"freeze":    func(_ context.Context, h *lab.Host, _ string) error { return h.Freeze() },
	"resume":    func(_ context.Context, h *lab.Host, _ string) error { return h.Resume() },
	"kill":      func(ctx context.Context, h *lab.Host, _ string) error { return h.Kill(ctx) },
	"kill-host": func(ctx context.Context, h *lab.Host, _ string) error { return h.KillHost(ctx) },
	"restart":   func(ctx context.Context, h *lab.Host, _ string) error { return h.Restart(ctx) },
	"start":     func(ctx context.Context, h *lab.Host, _ string) error { return h.Start(ctx) },
	"cutoff":    func(ctx context.Context, h *lab.Host, _ string) error { return h.CutOff(ctx) },
	"reconnect": func(ctx context.Context, h *lab.Host, _ string) error { return h.Reconnect(ctx) },
	"slow":      slow,
	"fast":      func(ctx context.Context, h *lab.Host, _ string) error { return h.FullSpeed(ctx) },
	"fill":      func(_ context.Context, h *lab.Host, _ string) error { return h.Fill() },
	"empty":     func(_ context.Context, h *lab.Host, _ string) error { return h.Empty() },
}

func slow(ctx context.Context, h *lab.Host, rate string) error {
	if rate == "" {
		rate = slowest
	}
	bits, err := units.FromHumanSize(rate)
	if err != nil {
		return fmt.Errorf("bits per second: %w", err)
	}
	return h.Slow(ctx, int(bits))
}

func fault(ctx context.Context, dir string, flags *flag.FlagSet) error {
	do := faults[flags.Arg(1)]
	if do == nil {
		return fmt.Errorf("fault %q: it is one of %s", flags.Arg(1), strings.Join(slices.Sorted(maps.Keys(faults)), ", "))
	}
	l, err := lab.Open(dir)
	if err != nil {
		return err
	}
	h, err := l.Host(flags.Arg(0))
	if err != nil {
		return err
	}
	return do(ctx, h, flags.Arg(2))
}
