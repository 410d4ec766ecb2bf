// SPDX-License-Identifier: MPL-2.0

package action

import "context"

// relay lets progress be reported from any goroutine, without ever waiting for
// a Terraform that has gone away: its own way of sending blocks then, for good.
// Call delivered when nothing more is reported; it waits until all was sent, or
// the invocation's context has ended.
func relay(ctx context.Context, send func(line string)) (report func(line string), delivered func()) {
	lines, ended, sent := make(chan string), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sent)
		for {
			select {
			case line := <-lines:
				send(line)
			case <-ended:
				return
			}
		}
	}()
	report = func(line string) {
		select {
		case lines <- line:
		case <-ended:
		case <-ctx.Done():
		}
	}
	delivered = func() {
		close(ended)
		select {
		case <-sent:
		case <-ctx.Done():
		}
	}
	return report, delivered
}
