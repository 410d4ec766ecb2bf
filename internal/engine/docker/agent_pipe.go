// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/pkg/stdcopy"
)

const (
	// agentFarewell is how long an agent may take to end after its input did.
	agentFarewell = 5 * time.Second
	// maxComplaint is how much of an agent's error output is kept, in bytes.
	maxComplaint = 4 << 10
)

// agentPipe is the input and the output of an agent.
type agentPipe struct {
	conn   types.HijackedResponse
	output *io.PipeReader
	ended  chan struct{} // closed when the agent's output ended
	kill   func()
	closed atomic.Bool
	once   sync.Once
}

// newAgentPipe takes over conn. kill makes an end of an agent that does not
// end by itself.
func newAgentPipe(conn types.HijackedResponse, kill func()) *agentPipe {
	r, w := io.Pipe()
	p := &agentPipe{conn: conn, output: r, ended: make(chan struct{}), kill: kill}
	go func() {
		defer close(p.ended)
		var complaint tail
		_, err := stdcopy.StdCopy(w, &complaint, conn.Reader)
		w.CloseWithError(p.farewell(err, complaint.String()))
	}()
	return p
}

// farewell says why the output ended. The end of an agent that nobody closed
// is an error.
func (p *agentPipe) farewell(err error, complaint string) error {
	switch {
	case p.closed.Load():
		return io.EOF
	case complaint != "":
		return fmt.Errorf("the file agent ended: %s", complaint)
	case err != nil:
		return fmt.Errorf("the connection to the file agent broke: %w", err)
	}
	return errors.New("the file agent ended unexpectedly")
}

func (p *agentPipe) Read(b []byte) (int, error)  { return p.output.Read(b) }
func (p *agentPipe) Write(b []byte) (int, error) { return p.conn.Conn.Write(b) }

// Close ends the agent's input, and so the agent. It waits for its end.
func (p *agentPipe) Close() error {
	p.once.Do(func() {
		p.closed.Store(true)
		_ = p.conn.CloseWrite()
		_ = p.output.Close() // whatever it still says, nobody listens
		select {
		case <-p.ended:
		case <-time.After(agentFarewell):
			p.kill()
		}
		p.conn.Close()
	})
	return nil
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	if over := len(t.text) - maxComplaint; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string { return strings.TrimSpace(strings.ToValidUTF8(string(t.text), "?")) }
