// SPDX-License-Identifier: MPL-2.0

// Package memory measures what other processes take.
package memory

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Watch watches the processes that run the program. stop ends it and
// returns their highest peak (VmHWM) in bytes. The kernel keeps the peak of a
// process, so a look now and then misses little; each takes a while itself.
func Watch(program string, every time.Duration) (stop func() int64) {
	done, highest := make(chan struct{}), make(chan int64)
	go func() {
		var peak int64
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			links, _ := filepath.Glob("/proc/[0-9]*/exe")
			for _, link := range links {
				if target, err := os.Readlink(link); err == nil && target == program {
					peak = max(peak, peakOf(filepath.Dir(link)))
				}
			}
			select {
			case <-done:
				highest <- peak
				return
			case <-tick.C:
			}
		}
	}()
	return func() int64 {
		close(done)
		return <-highest
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
