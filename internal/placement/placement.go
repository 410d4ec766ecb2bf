// SPDX-License-Identifier: MPL-2.0

// Package placement decides which host of a pool a portal runs on, and says why.
// It is pure: what is decided for a plan is decided the same way in tests.
//
// A portal that is somewhere stays there as long as it may. Otherwise the hosts
// that it may run on are compared by the memory that portals reserve on them.
package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Strategy is how one of several hosts is chosen.
type Strategy string

const (
	// Spread takes the host with the most memory that is not reserved.
	Spread Strategy = "spread"
	// Pack takes the host with the least memory that is not reserved among those
	// that the portal fits on.
	Pack Strategy = "pack"
)

// Host is a host of the pool as it is configured.
type Host struct {
	Name   string
	Labels map[string]string
	// Drain says that nothing is to be placed there, and what is there is to move.
	Drain bool
}

// Load is how full a host is, in bytes of memory.
type Load struct {
	Memory, Reserved int64
	// Err says why it is not known: the host did not answer.
	Err error
}

func (l Load) free() int64 { return l.Memory - l.Reserved }

// Request is a portal to be placed.
type Request struct {
	// Host that the user chose, empty for none.
	Host        string
	Constraints []Constraint
	// Memory that the portal reserves, in bytes.
	Memory int64
	// Homes are the hosts that it is on, the one to stay on first. There is one at
	// most, but for a move that was cut off.
	Homes []string
}

// Decision is where a portal runs.
type Decision struct {
	Host string
	// Reason in words: "the most memory free, 12.1 GiB, of dal-1, dal-2".
	Reason string
	// ByLoad tells that hosts were compared: a moment later it may be another one.
	ByLoad bool
}

// Permitted lists the hosts that the portal may run on. It fails when there is
// none, and says of each host why not.
func (r Request) Permitted(hosts []Host) ([]Host, error) {
	var permitted []Host
	var reasons []string
	for _, h := range hosts {
		if reason := r.against(h); reason != "" {
			reasons = append(reasons, fmt.Sprintf("%s: %s", h.Name, reason))
		} else {
			permitted = append(permitted, h)
		}
	}
	switch {
	case len(permitted) > 0:
		return permitted, nil
	case r.Host != "" && !slices.ContainsFunc(hosts, func(h Host) bool { return h.Name == r.Host }):
		return nil, fmt.Errorf("host is %q, and the provider has no such host: its hosts are %s", r.Host, strings.Join(names(hosts), ", "))
	default:
		return nil, fmt.Errorf("no host of the provider may run it:\n  %s\nChange its host or constraints, or the labels or drain of a host", strings.Join(reasons, "\n  "))
	}
}

// against says why the portal may not run on a host, empty when it may.
func (r Request) against(h Host) string {
	switch {
	case r.Host != "" && h.Name != r.Host:
		return fmt.Sprintf("host is %q", r.Host)
	case h.Drain:
		return "it is drained"
	}
	for _, c := range r.Constraints {
		if !c.holds(h) {
			return fmt.Sprintf("%q does not hold", c)
		}
	}
	return ""
}

// Stays is the host that the portal stays on: the first of its homes that it may
// run on. It is false when it has to be placed. No load is needed for it.
func (r Request) Stays(permitted []Host) (string, bool) {
	for _, home := range r.Homes {
		if slices.ContainsFunc(permitted, func(h Host) bool { return h.Name == home }) {
			return home, true
		}
	}
	return "", false
}

// Choose picks one of the permitted hosts by their load. One whose load is not
// known is passed over; it fails when that is so of all.
func (r Request) Choose(hosts, permitted []Host, loads map[string]Load, s Strategy) (Decision, error) {
	why := r.leaving(hosts)
	if len(permitted) == 1 {
		return Decision{Host: permitted[0].Name, Reason: why + r.alone(len(hosts))}, nil
	}
	var known, silent []string
	for _, name := range names(permitted) {
		if err := loads[name].Err; err != nil {
			silent = append(silent, fmt.Sprintf("%s: %v", name, err))
		} else {
			known = append(known, name)
		}
	}
	if len(known) == 0 {
		return Decision{}, fmt.Errorf("none of the hosts that may run it answers:\n  %s", strings.Join(silent, "\n  "))
	}
	chosen, reason := r.compare(known, loads, s)
	return Decision{Host: chosen, Reason: why + reason, ByLoad: true}, nil
}

// compare picks a host by its load, the first by name among equals.
func (r Request) compare(hosts []string, loads map[string]Load, s Strategy) (chosen, reason string) {
	free := func(name string) int64 { return loads[name].free() }
	if s == Pack {
		if fitting := slices.DeleteFunc(slices.Clone(hosts), func(name string) bool { return free(name) < r.Memory }); len(fitting) > 0 {
			chosen = slices.MinFunc(fitting, func(a, b string) int { return cmp.Compare(free(a), free(b)) })
			return chosen, fmt.Sprintf("the least memory free that it fits into, %s, of %s", gib(free(chosen)), strings.Join(hosts, ", "))
		}
	}
	chosen = slices.MinFunc(hosts, func(a, b string) int { return cmp.Compare(free(b), free(a)) })
	return chosen, fmt.Sprintf("the most memory free, %s, of %s", gib(free(chosen)), strings.Join(hosts, ", "))
}

// leaving says why a portal that is somewhere does not stay, empty for a new one.
func (r Request) leaving(hosts []Host) string {
	if len(r.Homes) == 0 {
		return ""
	}
	home := r.Homes[0]
	i := slices.IndexFunc(hosts, func(h Host) bool { return h.Name == home })
	if i < 0 {
		return fmt.Sprintf("away from %s, which is given up: ", home)
	}
	return fmt.Sprintf("away from %s (%s): ", home, r.against(hosts[i]))
}

// alone is the reason for the only host that is permitted.
func (r Request) alone(of int) string {
	switch {
	case r.Host != "":
		return "chosen by host"
	case of == 1:
		return "the only host"
	case len(r.Constraints) > 0:
		return fmt.Sprintf("the only host that is not drained and for which %s", join(r.Constraints))
	default:
		return "the only host that is not drained"
	}
}

func join(constraints []Constraint) string {
	texts := make([]string, len(constraints))
	for i, c := range constraints {
		texts[i] = c.String()
	}
	return strings.Join(texts, ", ")
}

// names of hosts, sorted.
func names(hosts []Host) []string {
	out := make([]string, len(hosts))
	for i, h := range hosts {
		out[i] = h.Name
	}
	slices.Sort(out)
	return out
}

func gib(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }
