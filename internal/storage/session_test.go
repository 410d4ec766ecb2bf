// SPDX-License-Identifier: MPL-2.0

package storage_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/storage"
	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// answer opens a session with something that writes text and then ends, or, with
// an open end, says nothing more.
func answer(ctx context.Context, t *testing.T, text string, openEnd bool) (*storage.Session, net.Conn, error) {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() {
		here.Close()
		there.Close()
	})
	go func() {
		_, _ = io.WriteString(there, text)
		if !openEnd {
			there.Close()
		}
	}()
	s, err := storage.Open(ctx, here, "acme", "dal-1")
	return s, there, err
}

func TestOpenRefusesWhatIsNoAgent(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"another protocol": {wire.Greeting + "999\n", "speaks protocol 999"},
		"an error message": {"exec format error\n", `with "exec format error\n"`},
		"no answer":        {"", "ended before it answered"},
		"half an answer":   {"portal-file", `it wrote "portal-file"`},
		"endless text":     {strings.Repeat("x", 4096), "did not answer like an agent"},
	} {
		t.Run(name, func(t *testing.T) {
			_, there, err := answer(t.Context(), t, tt.text, false)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `portal "acme"`) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if _, err := there.Write([]byte("x")); err == nil {
				t.Error("the pipe was left open")
			}
			here, there := net.Pipe()
			go func() {
				_, _ = io.WriteString(there, tt.text)
				there.Close()
			}()
			if _, err := storage.OpenReader(t.Context(), here, "dal-1"); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `host "dal-1"`) {
				t.Errorf("a reader got %v, want %q", err, tt.want)
			}
		})
	}
}

// A cancelled context ends a call at once, also when the agent never answers.
func TestContextEndsACall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Run("while it opens", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, _, err := answer(ctx, t, "", true); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	s, _, err := answer(ctx, t, wire.GreetingLine(), true)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, cancel)
	// The pipe takes nothing in: even sending the request blocks.
	if _, err := s.Manifest(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "reading the manifest") {
		t.Errorf("got %v", err)
	}
	begun := time.Now()
	if _, err := s.Drive(ctx, storage.DriveCheck{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a call with an ended context: %v", err)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestLostAgent(t *testing.T) {
	s, there, err := answer(t.Context(), t, wire.GreetingLine(), true)
	if err != nil {
		t.Fatal(err)
	}
	there.Close()
	if err := s.Delete(t.Context()); !errors.Is(err, storage.ErrLost) || !strings.Contains(err.Error(), "file agent was lost") {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing a lost session: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing it again: %v", err)
	}
}
