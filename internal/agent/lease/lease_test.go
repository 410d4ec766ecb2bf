// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWatch(t *testing.T) {
	const ttl = 15 * time.Second
	free, first := state{token: "f"}, newState(ttl)
	slow := newState(time.Minute)
	tests := map[string][]struct {
		found state
		at    time.Duration // by a clock that began at any time
		take  bool
	}{
		"a free one at once":           {{free, 0, true}},
		"a held one when it is silent": {{first, 7 * time.Hour, false}, {first, 7*time.Hour + ttl - 1, false}, {first, 7*time.Hour + ttl, true}},
		"not one that is renewed": {
			{first, 0, false}, {first.renewed(), ttl - 1, false}, {first.renewed(), ttl + 1, false}, {first.renewed(), 2*ttl - 1, true},
		},
		"not another holder's":        {{first, 0, false}, {newState(ttl), ttl, false}},
		"not one that went and came":  {{first, 0, false}, {free, 1, true}, {first, 2, false}, {first, ttl + 1, false}},
		"by the ttl of the holder":    {{slow, 0, false}, {slow, ttl, false}, {slow, time.Minute, true}},
		"not one whose server forgot": {{first.renewed(), 0, false}, {first, ttl, false}, {first, 2*ttl - 1, false}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			var w watch
			for i, s := range steps {
				if got := w.see(s.found, s.at, ttl); got != s.take {
					t.Errorf("look %d: take %v, want %v", i, got, s.take)
				}
			}
		})
	}
}

func TestNamesOfStates(t *testing.T) {
	s := newState(DefaultTTL)
	for _, s := range []state{s, s.renewed(), s.released(), {token: token()}} {
		if got, ok := parseState(s.name()); !ok || got != s || len(s.name()) != len(newState(time.Second).name()) {
			t.Errorf("%q is read as %+v, %v", s.name(), got, ok)
		}
	}
	for _, name := range []string{
		"", "-", "---", "free", ".nfs000001", s.name() + "-1", s.name()[1:], strings.ToUpper(s.name()),
		"held-0123456789abcdef-99999999-000000000001", "held-0123456789abcdef-+0015000-000000000001",
		strings.Repeat("held-", 40),
	} {
		if s, ok := parseState(name); ok {
			t.Errorf("%q is read as %+v", name, s)
		}
	}
}

func quiet(string, ...any) {}

// Of many who want a lease that is free, or whose holder is silent, exactly one
// gets it.
func TestRace(t *testing.T) {
	const racers, rounds = 20, 30
	d := t.TempDir()
	o := Options{Dir: d, TTL: 50 * time.Millisecond, Wait: 0}
	for round := range rounds {
		var mu sync.Mutex
		var winners []*held
		var race sync.WaitGroup
		start := make(chan struct{})
		for range racers {
			race.Go(func() {
				<-start
				o := o
				if round%2 == 1 {
					o.Wait = 10 * time.Second // for the silence of the last winner
				}
				ctx, cancel := context.WithTimeout(t.Context(), o.TTL*4)
				defer cancel()
				h, err := take(ctx, o, quiet)
				var other *heldError
				if err != nil && !errors.As(err, &other) && ctx.Err() == nil {
					t.Error(err)
				}
				if h == nil {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				winners = append(winners, h)
			})
		}
		close(start)
		race.Wait()
		if round%2 == 0 && len(winners) != 1 {
			t.Fatalf("round %d: %d have the lease", round, len(winners))
		}
		// Nobody renewed: others may have taken it over, but then the former
		// ones find that out, and are not taken for the holder.
		holders := 0
		for _, h := range winners {
			err := h.renew()
			if err == nil {
				holders++
			} else if !errors.Is(err, errChanged) {
				t.Error(err)
			}
		}
		if holders != 1 {
			t.Fatalf("round %d: %d of %d winners hold the lease", round, holders, len(winners))
		}
		for _, h := range winners {
			if h.lock != nil {
				h.lock.Close()
			}
			if round%2 == 1 {
				_ = h.release()
			}
		}
	}
}

// The drive's server may not have answered a renewal that it made, or have lost
// the latest ones in a crash: the holder goes on.
func TestRenewalAfterFaults(t *testing.T) {
	o := Options{Dir: t.TempDir(), TTL: time.Minute}
	h, err := take(t.Context(), o, quiet)
	must(t, err)
	before := h.state
	must(t, h.renew())
	h.state = before // the answer was lost
	must(t, h.renew())
	must(t, h.renew())
	must(t, h.dir.move(h.state, before)) // the server went back
	must(t, h.renew())
	must(t, h.release())
	next, err := take(t.Context(), o, quiet)
	must(t, err)
	if err := h.renew(); !errors.Is(err, errChanged) {
		t.Errorf("after another one took it, a renewal ends with %v", err)
	}
	must(t, next.renew())
}

// A lease costs little where nobody has it.
func BenchmarkTake(b *testing.B) {
	o := Options{Dir: b.TempDir(), TTL: time.Minute}
	for b.Loop() {
		h, err := take(b.Context(), o, quiet)
		if err != nil {
			b.Fatal(err)
		}
		if err := h.release(); err != nil {
			b.Fatal(err)
		}
	}
}

// What a container may leave in its lease's directory harms nobody else, and is
// an error that says what to remove, or is passed over.
func TestHostileDirectory(t *testing.T) {
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	must(t, os.WriteFile(victim, []byte("victim"), 0o600))
	tests := map[string]struct {
		plant func(d string) error
		want  string // the error; empty: none
	}{
		"a link for the state":     {func(d string) error { return os.Symlink(outside, filepath.Join(d, stateDir)) }, "is not a folder"},
		"a file for the state":     {func(d string) error { return os.WriteFile(filepath.Join(d, stateDir), nil, 0o600) }, "is not a folder"},
		"a pipe for the lock":      {func(d string) error { return unix.Mkfifo(filepath.Join(d, lockFile), 0o600) }, "is not a file"},
		"a link for the lock":      {func(d string) error { return os.Symlink(victim, filepath.Join(d, lockFile)) }, "cannot open the lock"},
		"a directory for the lock": {func(d string) error { return os.Mkdir(filepath.Join(d, lockFile), 0o700) }, "cannot open the lock"},
		"a link for the holder":    {func(d string) error { return os.Symlink(victim, filepath.Join(d, holderFile)) }, ""},
		"a pipe for the holder":    {func(d string) error { return unix.Mkfifo(filepath.Join(d, holderFile), 0o600) }, ""},
		"a huge holder": {func(d string) error {
			f := filepath.Join(d, holderFile)
			if err := os.WriteFile(f, nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(f, 1<<40)
		}, ""},
		"a long list of nonsense": {func(d string) error {
			if err := os.Mkdir(filepath.Join(d, stateDir), 0o700); err != nil {
				return err
			}
			for range 500 {
				if err := os.WriteFile(filepath.Join(d, stateDir, "held-"+token()), nil, 0o600); err != nil {
					return err
				}
			}
			return os.WriteFile(filepath.Join(d, stateDir, state{token: token()}.name()), nil, 0o600)
		}, ""},
		"two states": {func(d string) error {
			if err := os.Mkdir(filepath.Join(d, stateDir), 0o700); err != nil {
				return err
			}
			return errors.Join(os.WriteFile(filepath.Join(d, stateDir, state{token: token()}.name()), nil, 0o600),
				os.WriteFile(filepath.Join(d, stateDir, newState(time.Second).name()), nil, 0o600))
		}, "holds 2 states"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := t.TempDir()
			must(t, tt.plant(d))
			h, err := take(t.Context(), Options{Dir: d, TTL: time.Minute}, quiet)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if err == nil {
				// Another one is told who has it, and nothing else.
				_, err := take(t.Context(), Options{Dir: d, TTL: time.Minute}, quiet)
				var other *heldError
				if !errors.As(err, &other) || len(err.Error()) > 1000 {
					t.Errorf("got %v", err)
				}
				must(t, h.renew())
				must(t, h.release())
			}
			if text, err := os.ReadFile(victim); err != nil || string(text) != "victim" {
				t.Errorf("the victim is %q, %v", text, err)
			}
		})
	}
}

// What a holder wrote about itself is shown as what it is: text of somebody.
func TestHostileHolder(t *testing.T) {
	d := dir(t.TempDir())
	s := newState(time.Second)
	must(t, d.sign(holder{Token: s.token, Host: "dal-1\n\x1b[31mlease: all is well", Container: strings.Repeat("é", 3000)}))
	if got := d.holder(s); strings.ContainsAny(got, "\n\x1b") || len(got) > 400 {
		t.Errorf("it is shown as %q", got)
	}
	must(t, d.sign(holder{Token: s.token, Host: "dal-1", Container: "3f2a"}))
	if got := d.holder(s); !strings.Contains(got, `container "3f2a" on host "dal-1"`) {
		t.Errorf("it is shown as %q", got)
	}
	if got := d.holder(newState(time.Second)); strings.Contains(got, "dal-1") {
		t.Errorf("another lease is shown as %q", got)
	}
}
