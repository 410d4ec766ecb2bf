// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/overrides/ownership"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// takeBackLimit bounds the way back to the former configuration, which goes on
// when the time of the operation itself is up.
const takeBackLimit = 15 * time.Minute

// restart restarts what reads the overrides and waits until it is healthy. It
// returns the names of the containers whose restart was begun.
func (c *overrideChange) restart(ctx context.Context) ([]string, error) {
	return c.restartOnly(ctx, c.observed, func(string) bool { return true })
}

// restartOnly is restart for some of the containers that were observed.
func (c *overrideChange) restartOnly(ctx context.Context, observed stack.Observed, wanted func(container string) bool) ([]string, error) {
	marked := stack.RestartsOn(stack.RestartOnOverrides)
	plan := stack.Restarts(observed, "the overrides changed", func(c stack.Container) bool {
		return marked(c) && wanted(c.Name)
	})
	var mu sync.Mutex
	var begun []string
	err := engine.Execute(ctx, c.Engine, &stack.Stack{Portal: c.portal}, plan, func(op *stack.Operation) {
		c.progress(ctx, fmt.Sprintf("portal %s: %s (%s)", c.portal, op.ID, op.Cause))
		mu.Lock()
		defer mu.Unlock()
		if op.Kind == stack.Restart {
			begun = append(begun, op.Container)
		}
	})
	slices.Sort(begun)
	return begun, err
}

// takeBack puts the former values back and restarts again what was restarted
// with the new ones. It goes on when ctx has ended.
func (c *overrideChange) takeBack(ctx context.Context, restarted []string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackLimit)
	defer cancel()
	err := &TakenBackError{Portal: c.portal, Together: len(c.jobs), Restarted: restarted, Cause: cause}
	err.Err = c.restore(ctx)
	if err.Err == nil {
		err.Err = c.restartAgain(ctx, restarted)
	}
	if err.Err == nil {
		err.Err = c.saveRecord(ctx, c.former)
	}
	return err
}

// restartAgain restarts the named containers, as they are by now.
func (c *overrideChange) restartAgain(ctx context.Context, names []string) error {
	observed, err := c.Engine.Observe(ctx, c.portal)
	if err != nil {
		return err
	}
	_, err = c.restartOnly(ctx, observed, func(name string) bool { return slices.Contains(names, name) })
	return err
}

// restore puts the former values of the jobs' leaves back into the file. What
// somebody else wrote into it meanwhile stays.
func (c *overrideChange) restore(ctx context.Context) error {
	// Until the services have restarted, they are to restart.
	pending := c.former.Clone()
	pending.RestartPending = true
	for range editAttempts {
		now, hash, err := c.readFile(ctx)
		if err != nil {
			return err
		}
		former := c.before
		if string(now.Text()) != string(c.after.Text()) {
			former, err = ownership.Restore(now, c.before, c.ids(), c.former, c.record)
			if err != nil {
				return err
			}
		}
		if err = c.writeFile(ctx, former, hash); err == nil {
			return c.saveRecord(ctx, pending)
		}
		if !errors.Is(err, storage.ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("the file was changed by others %d times in a row: %w", editAttempts, storage.ErrChanged)
}

func (c *overrideChange) ids() []string {
	ids := make([]string, len(c.jobs))
	for i, j := range c.jobs {
		ids[i] = j.id
	}
	return ids
}

// TakenBackError tells that services did not come back healthy with new values,
// and what became of the former ones.
type TakenBackError struct {
	Portal string
	// Together is the number of overrides that were changed at once.
	Together int
	// Restarted are the containers that had the new values.
	Restarted []string
	// Cause is why the new values were given up.
	Cause error
	// Err is why the former ones could not be brought back, nil if they were.
	Err error
}

func (e *TakenBackError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Cause}
	}
	return []error{e.Cause, e.Err}
}

func (e *TakenBackError) Error() string {
	var b strings.Builder
	b.WriteString(e.Cause.Error())
	if e.Err != nil {
		fmt.Fprintf(&b, "\n\nBringing the former overrides of portal %q back failed as well: %v", e.Portal, e.Err)
		return b.String()
	}
	fmt.Fprintf(&b, "\n\nThe former overrides are back")
	if len(e.Restarted) > 0 {
		fmt.Fprintf(&b, ", and %s restarted with them", strings.Join(e.Restarted, ", "))
	}
	fmt.Fprintf(&b, ": portal %q serves its former configuration. Correct the values and apply again.", e.Portal)
	if e.Together > 1 {
		fmt.Fprintf(&b, " %d overrides of this portal were changed together, and all of them were taken back.", e.Together)
	}
	return b.String()
}
