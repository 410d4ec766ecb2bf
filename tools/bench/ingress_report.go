// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// report prints what each server showed, and how the whole path compares with
// each of the others.
func (in *ingress) report(w io.Writer) {
	fmt.Fprintf(w, "\nStatic answers, small (1 KiB) and large (100 KiB), over %d connections that are kept, and small ones over one by itself\n", shapes[busy].connections)
	fmt.Fprintf(w, "answers per second and ms, medians of %d rounds\n\n", len(in.servers[0].rounds[busy]))
	fmt.Fprintln(w, "small/s\tp50\tp99\tlarge/s\tp50\tp99\tone: p50\tp99\tanswers\tfailed\t  ")
	for _, s := range in.servers {
		fmt.Fprintf(w, "%.0f\t%.2f\t%.2f\t%.0f\t%.2f\t%.2f\t%.3f\t%.3f\t%d\t%d\t  %s\n",
			s.median(busy, rate), s.median(busy, p50), s.median(busy, p99),
			s.median(large, rate), s.median(large, p50), s.median(large, p99),
			s.median(quiet, p50), s.median(quiet, p99), s.answers, s.failed, s)
	}
	fmt.Fprintf(w, "\nThe path (%s): its answers per second as a ratio to another's, and the ms that it adds\n", kindNames[wholePath])
	fmt.Fprintf(w, "medians of the rounds' own comparisons, the lowest and highest in brackets\n\n")
	fmt.Fprintln(w, "small/s\tlarge/s\tone: p50\tone: p99\tsmall: p50\tsmall: p99\t  ")
	for _, s := range in.servers {
		if s.kind == wholePath {
			continue
		}
		whole := in.wholePath(s.target.TLS)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t  to %s\n",
			compare(whole, s, busy, ratio), compare(whole, s, large, ratio),
			compare(whole, s, quiet, added(p50)), compare(whole, s, quiet, added(p99)),
			compare(whole, s, busy, added(p50)), compare(whole, s, busy, added(p99)), s)
	}
	way := "the kernel's translation of addresses (DNAT)"
	if in.viaProxy {
		way = "docker-proxy"
	}
	fmt.Fprintf(w, "\nAll were asked at published ports of %s, and reached through %s.\n", in.address, way)
}

// wholePath is the one with TLS, or the one without.
func (in *ingress) wholePath(tls bool) *server {
	i := slices.IndexFunc(in.servers, func(s *server) bool { return s.kind == wholePath && s.target.TLS == tls })
	return in.servers[i]
}

// What is told of figures: answers per second, or milliseconds.
func rate(f figures) float64 { return f.rate }
func p50(f figures) float64  { return milliseconds(f.p50) }
func p99(f figures) float64  { return milliseconds(f.p99) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median of a figure over the rounds.
func (s *server) median(shape int, of func(figures) float64) float64 {
	var values []float64
	for _, f := range s.rounds[shape] {
		values = append(values, of(f))
	}
	return median(values)
}

// ratio is of answers per second.
func ratio(ours, theirs figures) float64 { return ours.rate / theirs.rate }

// added is by how much a latency is more than another's.
func added(of func(figures) float64) func(ours, theirs figures) float64 {
	return func(ours, theirs figures) float64 { return of(ours) - of(theirs) }
}

// spread is what the rounds showed of a comparison.
type spread struct{ lowest, median, highest float64 }

func (s spread) String() string {
	return fmt.Sprintf("%.2f [%.2f … %.2f]", s.median, s.lowest, s.highest)
}

// compare compares two servers round by round: what disturbed a round disturbed
// both.
func compare(ours, theirs *server, shape int, by func(ours, theirs figures) float64) spread {
	var values []float64
	for round, f := range ours.rounds[shape] {
		values = append(values, by(f, theirs.rounds[shape][round]))
	}
	return spread{lowest: slices.Min(values), median: median(values), highest: slices.Max(values)}
}
