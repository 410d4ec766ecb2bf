// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"fmt"
	"os"
	"time"
)

// maxSilence is how long a scheduler that works may not give a sign of life.
const maxSilence = 2 * time.Minute

// Pulse is a file whose time of change shows that the scheduler works.
type Pulse struct{ Path string }

// Beat gives a sign of life. A failure shows in Alive.
func (p Pulse) Beat() {
	_ = os.WriteFile(p.Path, nil, 0o600)
	now := time.Now()
	_ = os.Chtimes(p.Path, now, now)
}

// Alive fails when there was no sign of life for long before a time.
func (p Pulse) Alive(now time.Time) error {
	info, err := os.Stat(p.Path)
	if err != nil {
		return fmt.Errorf("the scheduler does not run: %w", err)
	}
	if silence := now.Sub(info.ModTime()); silence > maxSilence {
		return fmt.Errorf("the scheduler gave no sign of life for %s", silence.Round(time.Second))
	}
	return nil
}
