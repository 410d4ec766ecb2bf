// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

const usage = `usage: terraform-provider-portal agent lease --dir DIR [--host NAME] [--ttl 15s] [--wait 1m] [--lock-wait 2m] -- PROGRAM [ARGUMENT…]

Runs a program while it holds the lease DIR. The provider starts services that
have a lease with it; there is no reason to run it by hand.
`

// Main runs a program under a lease, and returns the exit code: the program's
// own, or one of those of this package.
func Main(args []string) int {
	o, argv, err := parse(args)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			complain("%v", err)
		}
		return 2
	}
	// The program is a child of this thread, and dies with it.
	runtime.LockOSThread()
	// What the rest of this program set up when it started is not needed here.
	debug.FreeOSMemory()
	return run(o, argv)
}

func parse(args []string) (Options, []string, error) {
	var o Options
	flags := flag.NewFlagSet("agent lease", flag.ContinueOnError)
	flags.SetOutput(os.Stderr)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	flags.StringVar(&o.Dir, "dir", "", "the lease's directory")
	flags.StringVar(&o.Host, "host", os.Getenv(HostVariable), "what this host is called, for messages")
	flags.DurationVar(&o.TTL, "ttl", DefaultTTL, "how long the lease holds that is not renewed")
	flags.DurationVar(&o.Wait, "wait", time.Minute, "how long another holder is waited for")
	flags.DurationVar(&o.LockWait, "lock-wait", 2*time.Minute, "how long the lock of a silent holder is waited for")
	if err := flags.Parse(args); err != nil {
		return o, nil, err
	}
	switch {
	case o.Dir == "" || flags.NArg() == 0:
		return o, nil, errors.New("agent lease needs --dir and a program to run")
	case o.TTL < 50*time.Millisecond || o.TTL > maxTTL:
		return o, nil, fmt.Errorf("agent lease: --ttl is %s: it is between 50ms and %s", o.TTL, maxTTL)
	}
	return o, flags.Args(), nil
}

func run(o Options, argv []string) int {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, heeded()...)

	h, err := await(o, signals)
	if err != nil {
		return refused(err)
	}
	server, err := startServer(argv, h.lock)
	if err != nil {
		complain("cannot start %s: %v", argv[0], err)
		giveBack(h)
		return cannotStart(err)
	}
	g, err := newGuard(h, o.TTL, server, complain)
	if err != nil {
		server.kill(killPatience)
		complain("%v", err)
		return ExitLost
	}
	return attend(g, server, signals)
}

// attend passes signals on until the server has ended.
func attend(g *guard, s *server, signals <-chan os.Signal) int {
	for {
		select {
		case sig := <-signals:
			if number, ok := sig.(syscall.Signal); ok && number != syscall.SIGPIPE {
				s.signal(number)
			}
		case code := <-s.ended:
			if lost := g.end(); lost != "" {
				complain("the server was killed: %s. What it had not written is lost as in a crash. Two servers on one data directory would destroy it", lost)
				return ExitLost
			}
			return code
		}
	}
}

// await takes the lease. A signal ends the wait.
func await(o Options, signals <-chan os.Signal) (*held, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	taken, heard := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(heard)
		for {
			select {
			case sig := <-signals:
				if s, ok := sig.(syscall.Signal); ok && s != syscall.SIGPIPE && s != syscall.SIGWINCH {
					cancel(signalled(s))
				}
			case <-taken:
				return
			}
		}
	}()
	h, err := take(ctx, o, complain)
	close(taken)
	<-heard
	told := context.Cause(ctx)
	cancel(nil)
	switch {
	case told != nil:
		if h != nil {
			giveBack(h)
		}
		return nil, told
	case err != nil:
		return nil, err
	case uptime()-h.began > o.TTL/parts: // it stood still just now
		if err := h.renew(); err != nil {
			return nil, fmt.Errorf("the lease was lost as soon as it was taken: %w", err)
		}
	}
	return h, nil
}

func giveBack(h *held) {
	if err := h.release(); err != nil {
		complain("cannot release the lease, which ends by itself: %v", err)
	}
}

// signalled is the end of a wait by a signal.
type signalled syscall.Signal

func (s signalled) Error() string {
	return fmt.Sprintf("told to end (%s) while waiting for the lease", syscall.Signal(s))
}

// refused says why the program is not started, and returns the exit code.
func refused(err error) int {
	complain("%v", err)
	var told signalled
	var other *heldError
	switch {
	case errors.As(err, &told):
		return 128 + int(told)
	case errors.As(err, &other):
		return ExitHeld
	}
	return ExitLost
}

// cannotStart is the code that a shell has for it.
func cannotStart(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return 127
	}
	return 126
}

// heeded are the signals that are passed on: all but those about this process
// itself. SIGPIPE is among them so that a log that nobody reads kills nothing.
func heeded() []os.Signal {
	var all []os.Signal
	for n := syscall.Signal(1); n <= 64; n++ {
		switch n {
		case syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGCHLD, syscall.SIGURG, syscall.SIGPROF, // Go uses the latter two
			syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGCONT,
			syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGSYS, syscall.SIGABRT,
			32, 33, 34: // libc's own
		default:
			all = append(all, n)
		}
	}
	return all
}

// complaintPatience is how long somebody may take to read the log.
const complaintPatience = 200 * time.Millisecond

// complain writes a line to standard error, unless nobody reads that.
func complain(format string, args ...any) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		fmt.Fprintf(os.Stderr, "lease: "+format+"\n", args...)
	}()
	select {
	case <-written:
	case <-time.After(complaintPatience):
	}
}
