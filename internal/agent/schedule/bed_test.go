// SPDX-License-Identifier: MPL-2.0

package schedule_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	agent "github.com/privateportals/terraform-provider-portal/internal/agent/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// bed is a host with a drive, in a bubble of synctest: time passes at once
// where nothing happens. The bubble's clock begins at midnight of a Saturday,
// 2000-01-01, in UTC.
type bed struct {
	*testing.T
	docker   *fakeDocker
	drive    *fragileDrive
	notifier *fakeNotifier
	log      *syncBuffer
	limit    int

	mu   sync.Mutex
	skew time.Duration // of the scheduler's and Docker's clock

	end   context.CancelFunc // of the scheduler that runs
	ended chan error
}

// inBubble runs a test with a bed.
func inBubble(t *testing.T, test func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bed{T: t, notifier: &fakeNotifier{}, log: &syncBuffer{}, limit: 4}
		b.docker = newFakeDocker(b.now)
		root := t.TempDir()
		b.drive = &fragileDrive{SharedDrive: agent.SharedDrive{Root: root, Path: "/srv/portals"}}
		b.write(".portal-storage", "id")
		defer func() {
			b.stop()
			b.docker.close()
			if t.Failed() {
				t.Log(b.log.String())
			}
		}()
		test(b)
	})
}

func (b *bed) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.skew)
}

// jump changes the clocks of the host.
func (b *bed) jump(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.skew += by
}

// clock sets the clocks of the host.
func (b *bed) clock(text string) { b.jump(at(b.T, text).Sub(b.now())) }

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// write writes a file of the drive.
func (b *bed) write(name, text string) {
	b.Helper()
	path := filepath.Join(b.drive.Root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		b.Fatal(err)
	}
}

// task makes a task's container and its portal's directory, and returns the
// container's ID.
func (b *bed) task(portal, task, text string, p program) string {
	b.Helper()
	if err := os.MkdirAll(filepath.Join(b.drive.Root, portal), 0o755); err != nil {
		b.Fatal(err)
	}
	return b.docker.create(portal, task, text, p)
}

// start starts a scheduler.
func (b *bed) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s := agent.New(agent.Options{
		Docker: b.docker, Drive: b.drive, Notifier: b.notifier,
		Path: "/srv/portals", Host: "dal-1", Limit: b.limit, Alive: func() {}, Now: b.now,
		Log: slog.New(slog.NewTextHandler(b.log, nil)),
	})
	b.end, b.ended = cancel, make(chan error, 1)
	go func() { b.ended <- s.Run(ctx) }()
}

// stop ends the scheduler as a signal does, and waits for its end.
func (b *bed) stop() {
	if b.end == nil {
		return
	}
	b.end()
	if err := <-b.ended; err != nil {
		b.Errorf("the scheduler ended with: %v", err)
	}
	b.end = nil
	synctest.Wait()
}

// pass lets time pass, and whatever happens then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// history is a task's, as it is on the drive.
func (b *bed) history(portal, task string) schedule.History {
	b.Helper()
	h, err := b.drive.SharedDrive.ReadHistory(portal, task)
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// triggers are those of a task's runs, "skipped" for what did not take place.
func (b *bed) triggers(portal, task string) string {
	b.Helper()
	var out []string
	for _, run := range b.history(portal, task).Runs {
		if run.Skipped > 0 {
			out = append(out, "skipped")
		} else {
			out = append(out, string(run.Trigger))
		}
	}
	return strings.Join(out, " ")
}

func (b *bed) wantTriggers(portal, task, want string) {
	b.Helper()
	if got := b.triggers(portal, task); got != want {
		b.Errorf("the runs of %s/%s are %q, want %q", portal, task, got, want)
	}
}

// wantStarts compares when a container was started with times of one day, in
// UTC.
func (b *bed) wantStarts(id string, want ...string) {
	b.Helper()
	var got []string
	for _, at := range b.docker.starts(id) {
		got = append(got, at.UTC().Format("15:04:05"))
	}
	if !slices.Equal(got, want) {
		b.Errorf("%s was started at %v, want %v", id, got, want)
	}
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
