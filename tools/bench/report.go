// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// report prints what was measured, part by part.
func (b *bench) report(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	if len(b.results) > 0 {
		b.reportStack(w)
	}
	if len(b.many) > 0 {
		b.reportPlans(w)
	}
	if len(b.ingress.servers) > 0 {
		b.ingress.report(w)
	}
}

func (b *bench) reportStack(w io.Writer) {
	fmt.Fprintf(w, "%d containers; medians of %d rounds, seconds\n\n", services, b.rounds)
	fmt.Fprintln(w, "create\tno-op\tdestroy\trequests\tmemory\t  ")
	for _, r := range b.results {
		fmt.Fprintf(w, "%.2f\t%.2f\t%.2f\t%d / %d / %d\t%s\t  %s\n",
			r.create.median().Seconds(), r.read.median().Seconds(), r.destroy.median().Seconds(),
			r.requests[0], r.requests[1], r.requests[2], memoryOf(r.contender), r.contender.name())
	}
	fmt.Fprintf(w, "\t%.2f\t\t\t\t  terraform plan -refresh=false of one portal: its own start\n", b.start.median().Seconds())
	if b.version == "" {
		fmt.Fprintln(w, "\ndocker compose was not found.")
	} else {
		fmt.Fprintf(w, "\ndocker compose is %s.\n", b.version)
	}

	ours := b.results[len(b.results)-1]
	fmt.Fprintf(w, "\nRatios to the floor (the best of the raw calls), Terraform's own start taken off\n\n")
	b.ratio(w, "create", ours.create, func(r *result) samples { return r.create }, "1.25")
	b.ratio(w, "destroy", ours.destroy, func(r *result) samples { return r.destroy }, "1.5")
}

func (b *bench) reportPlans(w io.Writer) {
	fmt.Fprintf(w, "\nPlans of many portals that find nothing to do\n\n")
	fmt.Fprintln(w, "portals\tcontainers\tplan\tstart\tfloor's read\tratio\trequests\tMB read\tprovider MB\tterraform MB\t")
	for _, m := range b.many {
		fmt.Fprintf(w, "%d\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%d\t%.1f\t%.0f\t%.0f\t\n",
			m.portals, m.portals*services, m.plan.median().Seconds(), m.start.median().Seconds(), m.floor.median().Seconds(),
			beyondStart(m.plan, m.start, m.floor.median()), m.requests, megabytes(m.bytes),
			megabytes(m.provider), megabytes(m.command))
	}
	fmt.Fprintln(w, "\nThe start is that of terraform plan -refresh=false; the ratio (wanted: at most 3) is of the plan less the start.")
}

// ratio prints how our time compares with the best of the floors, and with
// docker compose where there is one.
func (b *bench) ratio(out io.Writer, what string, ours samples, of func(*result) samples, wanted string) {
	var best time.Duration
	var composed samples
	for _, r := range b.results {
		switch r.contender.(type) {
		case *floor:
			if m := of(r).median(); best == 0 || m < best {
				best = m
			}
		case *compose:
			composed = of(r)
		}
	}
	fmt.Fprintf(out, "%s\t%.2f\t  wanted: at most %s", what, beyondStart(ours, b.start, best), wanted)
	if composed != nil {
		fmt.Fprintf(out, "; all in all %.2f x docker compose's time", ours.median().Seconds()/composed.median().Seconds())
	}
	fmt.Fprintln(out)
}

// beyondStart is what a run of terraform took beyond its own start, in units
// of the floor.
func beyondStart(ours, start samples, floor time.Duration) float64 {
	return (ours.median() - start.median()).Seconds() / floor.Seconds()
}

func memoryOf(c contender) string {
	switch c := c.(type) {
	case *terraform:
		return fmt.Sprintf("%.0f + %.0f MB", megabytes(c.helperPeak), megabytes(c.peak))
	case *compose:
		return fmt.Sprintf("%.0f MB", megabytes(c.peak))
	}
	return ""
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }
