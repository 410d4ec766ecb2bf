// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"context"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// Notifier tells somebody outside.
type Notifier interface {
	// Send delivers a notice to a webhook. Its errors do not hold the address.
	Send(ctx context.Context, address string, n schedule.Notice) error
}

// Deliveries that fail are tried again after a pause that doubles, until the
// notice is too old to matter.
const (
	minRedelivery = time.Minute
	maxRedelivery = time.Hour
	staleNotice   = 24 * time.Hour
)

// deliver takes the notices to the webhook, in order, until the worker is
// retired. What is not delivered then is in the history, for the next worker.
func (w *worker) deliver() {
	pause := minRedelivery
	again := time.NewTimer(0) // at once: a former scheduler may have left some
	defer again.Stop()
	for {
		select {
		case <-w.idle.Done():
			return
		case <-w.news:
		case <-again.C:
		}
		switch err := w.deliverAll(); {
		case w.idle.Err() != nil:
			return
		case err != nil:
			w.log.Warn("the webhook could not be told: it is tried again", "error", err, "pause", pause)
			again.Reset(pause)
			pause = min(2*pause, maxRedelivery)
		default:
			pause = minRedelivery
		}
	}
}

// deliverAll delivers the notices that wait, up to the first that fails.
func (w *worker) deliverAll() error {
	for {
		waiting := w.book.view().Notices
		if len(waiting) == 0 {
			return nil
		}
		first := waiting[0]
		err := w.send(first)
		if err != nil && w.Now().Sub(first.Started) < staleNotice {
			return err
		}
		if err != nil {
			w.log.Warn("a notice is given up: nobody took it for too long", "event", first.Event, "error", err)
		}
		w.book.edit(func(h *schedule.History) { h.Notices = without(h.Notices, first) })
		if !w.save(w.idle) {
			return w.idle.Err()
		}
	}
}

func (w *worker) send(n schedule.Notice) error {
	name := w.task.schedule.Webhook
	if name == "" {
		return nil // there is no webhook any more
	}
	address, err := w.Drive.Secret(w.task.portal, name)
	if err != nil {
		return err
	}
	if err := w.Notifier.Send(w.idle, address, n); err != nil {
		return err
	}
	w.log.Info("webhook told", "event", n.Event)
	return nil
}

// without is the notices less a delivered one, which may have been dropped
// meanwhile because there were too many.
func without(waiting []schedule.Notice, delivered schedule.Notice) []schedule.Notice {
	var left []schedule.Notice
	for _, n := range waiting {
		if n != delivered {
			left = append(left, n)
		}
	}
	return left
}
