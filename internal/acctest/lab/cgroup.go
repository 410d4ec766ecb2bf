// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// cgroup is the one, by its path beneath the root of each hierarchy, in which a
// host's engine puts all containers.
type cgroup string

// dirs are its directories and those beneath, parents first. Before the first
// container there are none.
func (c cgroup) dirs() []string {
	roots, _ := filepath.Glob("/sys/fs/cgroup/*/" + string(c)) // version 1: one for each controller
	roots = append(roots, "/sys/fs/cgroup/"+string(c))
	var all []string
	for _, root := range roots {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				all = append(all, path)
			}
			return nil // what went away meanwhile is not there
		})
	}
	return all
}

// processes are those of all containers.
func (c cgroup) processes() []process {
	var all []process
	seen := map[int]bool{}
	for _, dir := range c.dirs() {
		text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs")) // gone: none
		for line := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(line)
			if err != nil || seen[pid] {
				continue
			}
			seen[pid] = true
			if started, ok := startTime(pid); ok {
				all = append(all, process{pid, started})
			}
		}
	}
	return all
}

// freeze keeps all containers from running, or lets them.
func (c cgroup) freeze(frozen bool) error {
	files := map[string]map[bool]string{
		"/sys/fs/cgroup/freezer/" + string(c) + "/freezer.state": {true: "FROZEN", false: "THAWED"}, // version 1
		"/sys/fs/cgroup/" + string(c) + "/cgroup.freeze":         {true: "1", false: "0"},
	}
	for file, words := range files {
		err := os.WriteFile(file, []byte(words[frozen]), 0)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("freeze containers: %w", err)
		}
	}
	return nil
}

// remove removes it when its processes have ended.
func (c cgroup) remove(ctx context.Context) error {
	return await(ctx, func() (bool, error) {
		var busy error
		for _, dir := range slices.Backward(c.dirs()) {
			if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				busy = err
			}
		}
		return busy == nil, busy
	}, nil)
}

// killAll ends the processes that find returns, until there are none.
func killAll(ctx context.Context, find func() []process) error {
	return await(ctx, func() (bool, error) {
		left := find()
		for _, p := range left {
			if err := p.signal(syscall.SIGKILL); err != nil {
				return false, err
			}
		}
		return len(left) == 0, fmt.Errorf("processes that do not end: %v", left)
	}, nil)
}
