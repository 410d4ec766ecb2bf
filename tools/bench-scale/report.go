// SPDX-License-Identifier: MPL-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// result is what one phase took with so many portals.
type result struct {
	portals int
	phase   string
	cost    cost
	asked   counts
}

// kinds of requests that have a column of their own.
var kinds = []struct {
	name      string
	endpoints []string
}{
	{"lists", []string{"GET /containers/json"}},
	{"inspects", []string{"GET /containers/{id}/json"}},
	{"changes", []string{
		"POST /containers/create", "POST /containers/{id}/start", "POST /containers/{id}/stop",
		"POST /containers/{id}/restart", "DELETE /containers/{id}", "POST /containers/{id}/rename",
		"POST /networks/create", "DELETE /networks/{id}", "POST /networks/{id}/connect",
	}},
}

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// report prints one size's phases.
func report(out io.Writer, results []result) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprint(w, "portals\ttime s\tCPU s\tCPU ms/portal\tprovider's\trequests\t/portal\t")
	for _, k := range kinds {
		fmt.Fprintf(w, "%s\t", k.name)
	}
	fmt.Fprintln(w, "others\tMB read\tprovider MB\tterraform MB\t  ")
	for _, r := range results {
		requests, bytes := r.asked.of()
		fmt.Fprintf(w, "%d\t%.1f\t%.1f\t%.0f\t%.0f\t%d\t%.1f\t", r.portals, r.cost.time.Seconds(), r.cost.cpu.Seconds(), perPortal(r.cost.cpu, r)*1000, perPortal(r.cost.provider.CPU, r)*1000, requests, float64(requests)/float64(r.portals))
		others := requests
		for _, k := range kinds {
			n, _ := r.asked.of(k.endpoints...)
			others -= n
			fmt.Fprintf(w, "%d\t", n)
		}
		fmt.Fprintf(w, "%d\t%.1f\t%.0f\t%.0f\t  %s\n", others, megabytes(bytes), megabytes(r.cost.provider.Memory), megabytes(r.cost.terraform), r.phase)
	}
}

// perPortal is a portal's share of a time, in seconds.
func perPortal(d time.Duration, r result) float64 { return d.Seconds() / float64(r.portals) }

// reportEndpoints prints what was asked for, the most frequent first.
func reportEndpoints(out io.Writer, results []result) {
	for _, r := range results {
		fmt.Fprintf(out, "\n%d portals: %s\n", r.portals, r.phase)
		for _, endpoint := range slices.SortedFunc(maps.Keys(r.asked), func(a, b string) int {
			return cmp.Compare(r.asked[b].Requests, r.asked[a].Requests)
		}) {
			n := r.asked[endpoint]
			fmt.Fprintf(out, "%8d  %8.1f MB  %s\n", n.Requests, megabytes(n.Bytes), endpoint)
		}
	}
}

// reportGrowth prints how a portal's cost changes from size to size: 1 where
// the whole grows as the number does.
func reportGrowth(out io.Writer, results []result) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintln(w, "\nA portal's cost with more portals, as a multiple of its cost with fewer")
	fmt.Fprintln(w, "\nportals\ttime\tCPU\tprovider's\trequests\tMB read\t  ")
	last := map[string]result{}
	for _, r := range results {
		before, ok := last[r.phase]
		last[r.phase] = r
		if !ok {
			continue
		}
		grown := float64(r.portals) / float64(before.portals)
		requests, bytes := r.asked.of()
		requestsBefore, bytesBefore := before.asked.of()
		fmt.Fprintf(w, "%d → %d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t  %s\n", before.portals, r.portals,
			perPortal(r.cost.time, r)/perPortal(before.cost.time, before), perPortal(r.cost.cpu, r)/perPortal(before.cost.cpu, before),
			perPortal(r.cost.provider.CPU, r)/perPortal(before.cost.provider.CPU, before),
			ratio(requests, requestsBefore)/grown, ratio(bytes, bytesBefore)/grown, r.phase)
	}
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
