// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// streams are a program's ends of the attachment; nobody's, if that is nil.
func (a *attachment) streams() Streams {
	if a == nil {
		return Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}
	}
	return Streams{
		In:  a.in,
		Out: stdcopy.NewStdWriter(a.conn, stdcopy.Stdout), Err: stdcopy.NewStdWriter(a.conn, stdcopy.Stderr),
	}
}

func (a *attachment) close() {
	if a != nil {
		_ = a.conn.Close()
	}
}

// takeOver takes the connection of a request over, as attach and exec do. Its
// reader ends when the client closes its side for writing.
func takeOver(w http.ResponseWriter, r *http.Request) (net.Conn, *bufio.Reader, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("take over the connection: %w", err)
	}
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
	if r.Header.Get("Upgrade") != "" {
		head = "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
	}
	if _, err := io.WriteString(conn, head); err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	return conn, buffered.Reader, nil
}

// attachContainer keeps the connection for the program that the next start
// runs: that is how an agent is attached to.
func (h *Host) attachContainer(w http.ResponseWriter, r *http.Request) (int, any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, err := h.find(r.PathValue("id"))
	switch {
	case err != nil:
		return 0, nil, err
	case c.paused:
		return 0, nil, refuse(http.StatusConflict, "container %s is paused, unpause the container before attach", r.PathValue("id"))
	}
	conn, in, err := takeOver(w, r)
	if err != nil {
		return 0, nil, nil // nobody is there to be told
	}
	c.attached = &attachment{in: in, conn: conn}
	return 0, nil, nil
}

func (h *Host) containerLogs(w http.ResponseWriter, r *http.Request) (int, any, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	c, err := h.find(r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	if !flag(r, "stdout") && !flag(r, "stderr") {
		return 0, nil, refuse(http.StatusBadRequest, "Bad parameters: you must choose at least one stream")
	}
	lines := c.log
	if n, err := strconv.Atoi(r.URL.Query().Get("tail")); err == nil && n < len(lines) {
		lines = lines[len(lines)-n:]
	}
	w.WriteHeader(http.StatusOK)
	out := stdcopy.NewStdWriter(w, stdcopy.Stdout)
	for _, line := range lines {
		_, _ = io.WriteString(out, line+"\n")
	}
	return 0, nil, nil
}

// simExec is a command in a container.
type simExec struct {
	id        string
	container *simContainer
	options   container.ExecOptions
	ran       bool
}

func (h *Host) createExec(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	var options container.ExecOptions
	if err := decode(r, &options); err != nil {
		return 0, nil, err
	}
	if len(options.Cmd) == 0 {
		return 0, nil, refuse(http.StatusBadRequest, "No exec command specified")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c, err := h.find(r.PathValue("id"))
	switch {
	case err != nil:
		return 0, nil, err
	case !c.running:
		return 0, nil, refuse(http.StatusConflict, "Container %s is not running", c.id)
	case c.paused:
		return 0, nil, refuse(http.StatusConflict, "Container %s is paused, unpause the container before exec", r.PathValue("id"))
	}
	e := &simExec{id: newID(), container: c, options: options}
	h.execs[e.id] = e
	return http.StatusCreated, container.ExecCreateResponse{ID: e.id}, nil
}

func (h *Host) exec(r *http.Request) (*simExec, error) {
	if e := h.execs[r.PathValue("id")]; e != nil {
		return e, nil
	}
	return nil, refuse(http.StatusNotFound, "No such exec instance: %s", r.PathValue("id"))
}

// startExec reads the command's input to its end and says nothing.
func (h *Host) startExec(w http.ResponseWriter, r *http.Request) (int, any, error) {
	h.mu.RLock()
	e, err := h.exec(r)
	h.mu.RUnlock()
	if err != nil {
		return 0, nil, err
	}
	var options container.ExecStartOptions
	if err := decode(r, &options); err != nil {
		return 0, nil, err
	}
	conn, in, err := takeOver(w, r)
	if err != nil {
		return 0, nil, nil // nobody is there to be told
	}
	defer conn.Close()
	if e.options.AttachStdin {
		_, _ = io.Copy(io.Discard, in)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	e.ran = true
	return 0, nil, nil
}

func (h *Host) inspectExec(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, err := h.exec(r)
	if err != nil {
		return 0, nil, err
	}
	out := map[string]any{"ID": e.id, "Running": false, "ContainerID": e.container.id, "ExitCode": nil}
	if e.ran {
		out["ExitCode"] = exitCode(e.options.Cmd)
		delete(h.execs, e.id) // Docker keeps it a while longer
	}
	return http.StatusOK, out, nil
}
