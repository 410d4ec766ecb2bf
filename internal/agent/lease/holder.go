// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// holderFile tells people who has the lease. Nothing depends on it.
	holderFile = "holder.json"
	maxHolder  = 4 << 10 // bytes
	maxShown   = 80      // characters
)

// holder is who has, or had, the lease.
type holder struct {
	Token     string    `json:"token"`
	Host      string    `json:"host"`
	Container string    `json:"container"`
	Since     time.Time `json:"since"`
}

// sign writes down who has the lease.
func (d dir) sign(h holder) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	fresh := d.path(".new-" + token())
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(fresh, d.path(holderFile))
	}
	if err != nil {
		_ = os.Remove(fresh)
	}
	return err
}

// holder describes who has the lease in the state s, as far as that is written
// down. What is there may have been written by anybody.
func (d dir) holder(s state) string {
	const unknown = "somebody who is not named"
	f, err := os.OpenFile(d.path(holderFile), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return unknown
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return unknown
	}
	text, err := io.ReadAll(io.LimitReader(f, maxHolder))
	var h holder
	if err != nil || json.Unmarshal(text, &h) != nil || h.Token != s.token {
		return unknown
	}
	return fmt.Sprintf("container %s on host %s, since %s", printable(h.Container), printable(h.Host), h.Since.UTC().Format(time.RFC3339))
}

// printable makes a text fit for a line of a log.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	if len(s) > maxShown {
		s = s[:maxShown] + "…"
	}
	return fmt.Sprintf("%q", s)
}
