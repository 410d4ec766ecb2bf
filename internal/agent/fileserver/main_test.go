// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/agent/fileserver"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// The tests run agents as processes of their own: this test binary again, told
// by the environment what to serve.
const (
	envRoot   = "TEST_AGENT_ROOT"
	envPortal = "TEST_AGENT_PORTAL"
	envTiming = "TEST_AGENT_TIMING"
)

var (
	calm = fileserver.DefaultTiming
	// hasty agents call a lock stale after a second.
	hasty = fileserver.Timing{Refresh: 100 * time.Millisecond, Stale: time.Second, Flock: 5 * time.Second, Idle: time.Minute}
)

func TestMain(m *testing.M) {
	if os.Getenv(envEditor) != "" {
		os.Exit(edit())
	}
	if root := os.Getenv(envRoot); root != "" {
		var timing fileserver.Timing
		if _, err := fmt.Sscan(os.Getenv(envTiming), &timing.Refresh, &timing.Stale, &timing.Flock, &timing.Idle); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		err := fileserver.Serve(context.Background(), fileserver.Options{
			Root: root, Path: root, Portal: os.Getenv(envPortal),
			In: os.Stdin, Out: os.Stdout, Timing: timing,
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "the tests of the file agent need root, as the agent does: it gives files to the users of services")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// agent is a running agent process.
type agent struct {
	*exec.Cmd
	conn   *processPipe
	stderr *bytes.Buffer
	ended  func() error // waits, and may be called again
}

type processPipe struct {
	io.ReadCloser
	io.WriteCloser
}

func (p *processPipe) Close() error {
	p.WriteCloser.Close()
	return nil
}

func startAgent(t *testing.T, root, portal string, timing fileserver.Timing) *agent {
	t.Helper()
	a := &agent{Cmd: exec.Command(os.Args[0]), stderr: &bytes.Buffer{}}
	a.Env = append(os.Environ(), envRoot+"="+root, envPortal+"="+portal,
		fmt.Sprintf("%s=%d %d %d %d", envTiming, timing.Refresh, timing.Stale, timing.Flock, timing.Idle))
	a.Stderr = a.stderr
	in, err := a.StdinPipe()
	must(t, err)
	out, err := a.StdoutPipe()
	must(t, err)
	a.conn = &processPipe{out, in}
	must(t, a.Start())
	a.ended = sync.OnceValue(a.Wait)
	t.Cleanup(func() {
		_ = a.Process.Kill()
		_ = a.ended()
	})
	return a
}

// kill ends the agent as a crash would.
func (a *agent) kill(t *testing.T) {
	t.Helper()
	must(t, a.Process.Kill())
	_ = a.ended()
}

// open starts an agent and a session with it.
func open(t *testing.T, root, portal string, timing fileserver.Timing) (*storage.Session, *agent) {
	t.Helper()
	a := startAgent(t, root, portal, timing)
	s, err := storage.Open(t.Context(), a.conn, portal, "dal-1")
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s, a
}

// openReader starts an agent of the whole drive and a reader with it.
func openReader(t *testing.T, root string) (*storage.Reader, *agent) {
	t.Helper()
	a := startAgent(t, root, "", calm)
	r, err := storage.OpenReader(t.Context(), a.conn, "dal-1")
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return r, a
}

// locked opens a session that may write.
func locked(t *testing.T, root, portal string) *storage.Session {
	t.Helper()
	s, _ := open(t, root, portal, hasty)
	_, err := s.Drive(t.Context(), storage.DriveCheck{})
	must(t, err)
	must(t, s.Lock(t.Context(), storage.Holder{Owner: "test", Host: "here", Operation: "test"}))
	return s
}

// incomplete opens a session on a portal's new directory.
func incomplete(t *testing.T, root, portal string) *storage.Session {
	t.Helper()
	s := locked(t, root, portal)
	must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Incomplete}))
	return s
}

// demoStack has one of everything that Prepare makes.
func demoStack() *stack.Stack {
	return &stack.Stack{
		Directories: map[string]stack.Directory{
			"data/mysql":  {UID: 999, GID: 999, Mode: 0o700},
			"data/static": {UID: 1000, GID: 1000, Mode: 0o755},
			"backups":     {UID: 1000, GID: 1000, Mode: 0o700},
		},
		Secrets: map[string]stack.Secret{
			"mysql_root": {UID: 999, GID: 999},
			"cookie":     {UID: 999, GID: 999, Length: 20},
		},
		Files: map[string]stack.File{
			"config/aaaaaaaaaaaa/nginx.conf":       {Content: []byte("if [[ -f x ]]; then {{ jinja }}"), Mode: 0o644},
			"config/bbbbbbbbbbbb/scripts/a/run.sh": {Content: []byte("#!/bin/sh\n"), Mode: 0o755},
			"secrets/cccccccccccc/edxapp.yml": {
				Content: []byte("A: [[ secret \"mysql_root\" ]]\nB: [[secret \"cookie\"]]\nC: [[ -n x ]]\n"),
				Mode:    0o400, UID: 1000, GID: 1000, Template: true,
			},
		},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, elems ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elems...))
	must(t, err)
	return string(data)
}

// noTemps fails when something half-written is left below root.
func noTemps(t *testing.T, root string) {
	t.Helper()
	must(t, filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		name := filepath.Base(path)
		if bytes.HasPrefix([]byte(name), []byte(".tmp-")) || bytes.HasPrefix([]byte(name), []byte(".new-")) {
			t.Errorf("left behind: %s", path)
		}
		return err
	}))
}
