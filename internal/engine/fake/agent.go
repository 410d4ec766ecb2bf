// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fake

import (
	"context"
	"io"

	"github.com/privateportals/terraform-provider-portal/internal/agent/fileserver"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
)

// pipe is the provider's end of the pipe to an agent in this process.
type pipe struct {
	io.Reader
	io.Writer
	close func()
}

func (p *pipe) Close() error {
	p.close()
	return nil
}

// Agent implements engine.Engine: the real file agent, in this process.
func (e *Engine) Agent(_ context.Context, portal string) (engine.Agent, error) {
	e.mu.Lock()
	host := e.place(portal)
	e.mu.Unlock()
	in, toAgent := io.Pipe()
	fromAgent, out := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := fileserver.Serve(context.Background(), fileserver.Options{
			Root: e.Drive, Path: e.Drive, Portal: portal, In: in, Out: out, Timing: fileserver.DefaultTiming,
		})
		out.CloseWithError(err)
	}()
	conn := &pipe{Reader: fromAgent, Writer: toAgent, close: func() {
		toAgent.Close()
		fromAgent.Close() // an agent that writes must not wait for a reader
		<-ended
	}}
	return engine.Agent{ReadWriteCloser: conn, Host: host}, nil
}
