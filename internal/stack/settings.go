// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// settingsFaults says in words how settings differ from what was intended.
func settingsFaults(is, intended Settings) []string {
	var out []string
	differ := func(what, got, want string) {
		if got != want {
			out = append(out, fmt.Sprintf("%s %s instead of %s", what, got, want))
		}
	}
	a, b := is.Resources, intended.Resources
	differ("memory", formatBytes(a.Memory), formatBytes(b.Memory))
	differ("memory reservation", formatBytes(a.MemoryReservation), formatBytes(b.MemoryReservation))
	differ("cpus", formatCPUs(a.CPUs), formatCPUs(b.CPUs))
	differ("pids limit", formatCount(a.PIDs), formatCount(b.PIDs))
	differ("restart policy", formatRestart(is.Restart), formatRestart(intended.Restart))
	differ("replicas", strconv.Itoa(is.Replicas), strconv.Itoa(intended.Replicas))
	if parts := differingParts(is.Shape, intended.Shape); len(parts) > 0 {
		out = append(out, "changed by hand: "+strings.Join(parts, ", "))
	}
	return out
}

// differingParts names the parts of two shapes, "args=1a2b env=3c4d", that differ.
func differingParts(a, b string) []string {
	if a == b {
		return nil
	}
	values := map[string]string{}
	for _, part := range strings.Fields(b) {
		name, value, _ := strings.Cut(part, "=")
		values[name] = value
	}
	var out []string
	for _, part := range strings.Fields(a) {
		name, value, _ := strings.Cut(part, "=")
		if values[name] != value {
			out = append(out, name)
		}
		delete(values, name)
	}
	return append(out, slices.Sorted(maps.Keys(values))...)
}

const unlimited = "unlimited"

func formatBytes(n int64) string {
	if n <= 0 {
		return unlimited
	}
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n%u.size == 0 {
			return fmt.Sprintf("%d %s", n/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

func formatCPUs(n float64) string {
	if n <= 0 {
		return unlimited
	}
	// Docker keeps CPUs in billionths.
	return strconv.FormatFloat(float64(int64(n*1e9+0.5))/1e9, 'f', -1, 64)
}

func formatCount(n int64) string {
	if n <= 0 {
		return unlimited
	}
	return strconv.FormatInt(n, 10)
}

func formatRestart(s string) string {
	if s == "" {
		return "no"
	}
	return s
}
