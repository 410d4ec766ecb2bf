// SPDX-License-Identifier: MPL-2.0

// Package agent is what runs in a container on a host: this same program,
// started as `terraform-provider-portal agent …`, and the image it runs from.
package agent

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// What the engine makes an agent's container with.
const (
	// Entrypoint of the agent's image.
	Entrypoint = "/terraform-provider-portal"
	// MountPoint of the shared drive in a file agent's container.
	MountPoint = "/storage"
	// LabelRole tells an agent's container, whose value is RoleAgent, from a
	// portal's.
	LabelRole = "io.privateportals.role"
	RoleAgent = "agent"
)

// Capabilities returns what the file agent of a portal needs beside none: it
// sets owners, and reaches files of any owner. The agent of the whole drive,
// which has no portal, reaches files, and its mount is to be read-only.
// DAC_READ_SEARCH would read as well, but also lets a process open files by
// their number, beyond its mounts.
func Capabilities(portal string) []string {
	if portal == "" {
		return []string{"DAC_OVERRIDE"}
	}
	return []string{"CHOWN", "DAC_OVERRIDE", "FOWNER"}
}

// FilesCommand returns the arguments that make a container of the agent's image
// the file agent of a portal, or, when that is empty, the one that reads the
// whole drive. path is where the shared drive is on the hosts.
func FilesCommand(portal, path string) []string {
	command := []string{"agent", "files", "--root", MountPoint, "--path", path}
	if portal == "" {
		return append(command, "--read-only")
	}
	return append(command, "--portal", portal)
}

const usage = `usage: terraform-provider-portal agent files --root DIR (--portal NAME | --read-only) [--path DIR]

Serves a portal's directory on the shared drive over standard input and output,
or lets all of them be read. The provider starts it in a container; there is no
reason to run it by hand.
`

// Main runs the agent that args ask for ("files", "schedule", "lease"), and
// returns the exit code.
func Main(args []string) int {
	if len(args) > 0 && args[0] == "lease" {
		return runLease(args[1:])
	}
	if len(args) == 0 || args[0] != "files" && args[0] != "schedule" {
		fmt.Fprint(os.Stderr, usage+"\n"+scheduleUsage)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Standard output belongs to the protocol: a stray print must not break it.
	out := os.Stdout
	os.Stdout = os.Stderr
	var err error
	if args[0] == "schedule" {
		err = runScheduler(ctx, args[1:])
	} else {
		err = Files(ctx, args[1:], os.Stdin, out)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 2
	case err != nil && ctx.Err() == nil:
		fmt.Fprintln(os.Stderr, "agent:", err)
		return 1
	}
	return 0
}

// filesFlags are the arguments of the file agent.
type filesFlags struct {
	root, path, portal string
	readOnly           bool
}

func parseFiles(args []string) (filesFlags, error) {
	var f filesFlags
	flags := flag.NewFlagSet("agent files", flag.ContinueOnError)
	flags.SetOutput(os.Stderr)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	flags.StringVar(&f.root, "root", "", "where the shared drive is mounted here")
	flags.StringVar(&f.path, "path", "", "where it is mounted on the hosts, for messages")
	flags.StringVar(&f.portal, "portal", "", "name of the portal")
	flags.BoolVar(&f.readOnly, "read-only", false, "let all portals be read")
	if err := flags.Parse(args); err != nil {
		return f, err
	}
	if f.root == "" || (f.portal == "") != f.readOnly || flags.NArg() > 0 {
		return f, errors.New("agent files needs --root and either --portal or --read-only, and takes no other arguments than flags")
	}
	if f.path == "" {
		f.path = f.root
	}
	return f, nil
}

// Files is the file agent with the arguments after "agent files". It serves over
// in and out until they or ctx end.
func Files(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	f, err := parseFiles(args)
	if err != nil {
		return err
	}
	return serveFiles(ctx, f, in, out)
}
