// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxTTL bounds the ttl that is believed of a holder.
const maxTTL = 10 * time.Minute

// state is what the name of the file in state/ says. No two states of a lease
// have one name: each taking has a token of its own, and each renewal a number.
type state struct {
	held  bool // else it is free
	token string
	ttl   time.Duration // of the holder, whole milliseconds
	count uint64
}

// newState is that of a holder who has just taken the lease.
func newState(ttl time.Duration) state {
	return state{held: true, token: token(), ttl: ttl.Round(time.Millisecond)}
}

func (s state) renewed() state {
	s.count++
	return s
}

func (s state) released() state {
	s.held = false
	return s.renewed()
}

// name has the same length for all states, so that a rename needs no room.
func (s state) name() string {
	kind := "free"
	if s.held {
		kind = "held"
	}
	return fmt.Sprintf("%s-%s-%08d-%012d", kind, s.token, s.ttl.Milliseconds(), s.count)
}

// parseState reads a name; ok is false for one that is no state.
func parseState(name string) (s state, ok bool) {
	parts := strings.Split(name, "-")
	if len(parts) != 4 || parts[0] != "free" && parts[0] != "held" {
		return state{}, false
	}
	ttl, ttlErr := strconv.ParseUint(parts[2], 10, 31)
	count, countErr := strconv.ParseUint(parts[3], 10, 63)
	s = state{
		held: parts[0] == "held", token: parts[1],
		ttl: time.Duration(ttl) * time.Millisecond, count: count,
	}
	return s, ttlErr == nil && countErr == nil && s.ttl <= maxTTL && s.name() == name
}

// token returns 64 random bits as text.
func token() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// watch is what one who waits has seen of the lease.
type watch struct {
	seen  state
	since time.Duration // by its own clock
}

// see notes the state that was found, at now. It tells whether the lease may be
// taken: it is free, or its holder has been silent for the ttl of either.
func (w *watch) see(s state, now, ttl time.Duration) bool {
	if s != w.seen {
		w.seen, w.since = s, now
	}
	return !s.held || now-w.since >= max(ttl, s.ttl)
}
