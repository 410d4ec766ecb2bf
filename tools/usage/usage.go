// SPDX-License-Identifier: MPL-2.0

// Package usage measures what other processes take.
package usage

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what processes took.
type Usage struct {
	// Memory is the highest peak (VmHWM) of one of them, in bytes.
	Memory int64
	// CPU is what all of them used of the processors.
	CPU time.Duration
}

// tick is the unit of times in /proc: USER_HZ, which is 100 on all machines that
// Go runs on.
const tick = 10 * time.Millisecond

// Watch watches the processes that run the program; stop ends it. The kernel counts
// for itself, so a look now and then misses little: what a process used after the
// last look at it.
func Watch(program string, every time.Duration) (stop func() Usage) {
	done, result := make(chan struct{}), make(chan Usage)
	go func() {
		var peak int64
		used := map[string]time.Duration{}
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			links, _ := filepath.Glob("/proc/[0-9]*/exe")
			for _, link := range links {
				if target, err := os.Readlink(link); err == nil && target == program {
					process := filepath.Dir(link)
					peak = max(peak, peakOf(process))
					used[process] = max(used[process], cpuOf(process))
				}
			}
			select {
			case <-done:
				u := Usage{Memory: peak}
				for _, cpu := range used {
					u.CPU += cpu
				}
				result <- u
				return
			case <-ticker.C:
			}
		}
	}()
	return func() Usage {
		close(done)
		return <-result
	}
}

func peakOf(process string) int64 {
	status, err := os.ReadFile(filepath.Join(process, "status"))
	if err != nil {
		return 0 // it has ended
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			return kib * 1024
		}
	}
	return 0
}

// cpuOf is what a process used so far, in user mode and in the kernel: the fields 14
// and 15 of its stat, see proc(5).
func cpuOf(process string) time.Duration {
	stat, err := os.ReadFile(filepath.Join(process, "stat"))
	if err != nil {
		return 0 // it has ended
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name, from field 3 on
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	var ticks int64
	for _, text := range fields[11:13] {
		n, _ := strconv.ParseInt(text, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * tick
}
