// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// simulator is the process that the simulated hosts are in.
type simulator struct {
	dir     string
	process *exec.Cmd
	input   io.Closer
}

// startSimulator makes hosts in an empty directory.
func startSimulator(ctx context.Context, program, dir string, hosts int, images []string) (*simulator, error) {
	s := &simulator{dir: dir, process: exec.CommandContext(ctx, program,
		"-dir", dir, "-hosts", fmt.Sprint(hosts), "-images", strings.Join(images, ","))}
	s.process.Stderr = os.Stderr
	input, err := s.process.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.input = input
	output, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil || line != "ready\n" {
		_ = s.stop()
		return nil, fmt.Errorf("the simulator said %q, %w", line, err)
	}
	return s, nil
}

func (s *simulator) stop() error {
	_ = s.input.Close()
	return s.process.Wait()
}

// hosts are their sockets, in order.
func (s *simulator) hosts() ([]string, error) {
	return filepath.Glob(filepath.Join(s.dir, "host-*.sock"))
}

// counts of requests, by endpoint.
type counts map[string]struct{ Requests, Bytes int64 }

// of sums those whose endpoint is one of these; all, without any.
func (c counts) of(endpoints ...string) (requests, bytes int64) {
	for endpoint, n := range c {
		for _, e := range endpoints {
			if e == endpoint {
				requests, bytes = requests+n.Requests, bytes+n.Bytes
			}
		}
		if len(endpoints) == 0 {
			requests, bytes = requests+n.Requests, bytes+n.Bytes
		}
	}
	return requests, bytes
}

// reset forgets what was asked; requests tells it.
func (s *simulator) reset(ctx context.Context) error {
	return ask(ctx, filepath.Join(s.dir, "control.sock"), http.MethodPost, "/reset", nil)
}

func (s *simulator) requests(ctx context.Context) (c counts, err error) {
	return c, ask(ctx, filepath.Join(s.dir, "control.sock"), http.MethodGet, "/requests", &c)
}

// act lets something happen to a container, on whichever host has it.
func (s *simulator) act(ctx context.Context, container, verb string) error {
	sockets, err := s.hosts()
	if err != nil {
		return err
	}
	filters := url.QueryEscape(fmt.Sprintf(`{"name":["^/%s$"]}`, container))
	for _, socket := range sockets {
		var found []struct{ ID string }
		if err := ask(ctx, socket, http.MethodGet, "/containers/json?all=1&filters="+filters, &found); err != nil {
			return err
		}
		if len(found) == 1 {
			return ask(ctx, socket, http.MethodPost, "/containers/"+container+"/"+verb, nil)
		}
	}
	return fmt.Errorf("no host has the container %s", container)
}

// ask makes one request of a unix socket.
func ask(ctx context.Context, socket, method, path string, out any) error {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, nil)
	if err != nil {
		return err
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s", method, path, res.Status)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}
