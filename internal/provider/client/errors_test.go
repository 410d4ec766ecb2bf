// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
)

func TestFailureNamesWhatFailed(t *testing.T) {
	why := errors.New("no space left")
	for _, tc := range []struct {
		err  error
		want string
	}{
		{why, "Portal acme: update failed"},
		{&engine.Error{Op: "start", Host: "dal-1", Err: why}, "Portal acme: update failed on host dal-1"},
		{fmt.Errorf("converge: %w", &engine.Error{Op: "start", Host: "dal-1", Service: "lms", Err: why}), "Portal acme: update failed at lms"},
	} {
		d := Failure("acme", "update", tc.err)
		if d.Summary() != tc.want {
			t.Errorf("summary %q instead of %q", d.Summary(), tc.want)
		}
		if !strings.Contains(d.Detail(), "no space left") {
			t.Errorf("the detail %q does not say why", d.Detail())
		}
	}
}

func TestTimedOutExplains(t *testing.T) {
	why := errors.New("waiting for lms")
	open, cancel := context.WithCancel(context.Background())
	if got := TimedOut(open, why, "create", time.Minute); !errors.Is(got, why) || strings.Contains(got.Error(), "timeouts") {
		t.Errorf("in time: %v", got)
	}
	cancel()
	if got := TimedOut(open, why, "create", time.Minute); strings.Contains(got.Error(), "timeouts") {
		t.Errorf("cancelled: %v", got)
	}
	late, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	if got := TimedOut(late, why, "create", time.Minute); !errors.Is(got, why) || !strings.Contains(got.Error(), "timeouts.create is 1m0s") {
		t.Errorf("too late: %v", got)
	}
	if got := TimedOut(late, nil, "create", time.Minute); got != nil {
		t.Errorf("done at the last moment: %v", got)
	}
}
