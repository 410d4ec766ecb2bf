// SPDX-License-Identifier: MPL-2.0

// The command lab starts and stops a pool of Docker hosts on this machine, and
// does them harm. `make lab-up`, `make lab-down` and `make lab-fault` run it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/docker/docker/client"
	"github.com/docker/go-units"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
)

const usage = `usage: lab up [-dir DIR] [-hosts N] [-managers N] [-disk SIZE] [-drive DIR]
       lab down [-dir DIR | -all]
       lab load|push [-dir DIR] IMAGE...
       lab fault [-dir DIR] HOST FAULT [ARGUMENT]`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no command\n%s", usage)
	}
	flags := flag.NewFlagSet("lab "+args[0], flag.ExitOnError)
	dir := flags.String("dir", lab.DefaultDir, "directory that keeps the lab")
	commands := map[string]func(context.Context, string, *flag.FlagSet) error{"load": load, "push": push, "fault": fault}
	switch {
	case args[0] == "up":
		return up(ctx, dir, flags, args[1:])
	case args[0] == "down":
		return down(ctx, dir, flags, args[1:])
	case commands[args[0]] != nil:
		_ = flags.Parse(args[1:]) // it ends the program
		return commands[args[0]](ctx, *dir, flags)
	}
	return fmt.Errorf("unknown command %q\n%s", args[0], usage)
}

func up(ctx context.Context, dir *string, flags *flag.FlagSet, args []string) error {
	var o lab.Options
	flags.IntVar(&o.Hosts, "hosts", 3, "number of hosts")
	flags.IntVar(&o.Managers, "managers", 0, "number of managers of a Swarm of all hosts, 0 for none")
	flags.StringVar(&o.Drive, "drive", "", "directory that stands for the shared drive")
	disk := flags.String("disk", "32g", "size of each host's disk")
	_ = flags.Parse(args) // it ends the program
	var err error
	if o.Disk, err = units.RAMInBytes(*disk); err != nil {
		return fmt.Errorf("-disk: %w", err)
	}
	o.Dir = *dir
	start := time.Now()
	l, err := lab.Up(ctx, o)
	if err != nil {
		return err
	}
	fmt.Printf("%d hosts run after %.1f s. The drive is %s, the registry %s.\n\n",
		len(l.Hosts), time.Since(start).Seconds(), l.Drive, l.Registry.Address)
	fmt.Println(l.Provider((*lab.Host).SSH))
	fmt.Printf("This block is also in %[1]s/ssh/provider.tf, one over TLS in %[1]s/tls/provider.tf; keys, certificates\nand known_hosts are in %[2]s. For the docker command:\n\n", l.Dir, l.ClientDir())
	for _, h := range l.Hosts {
		fmt.Printf("  docker -H %s ps\n", h.Socket())
	}
	return nil
}

func down(ctx context.Context, dir *string, flags *flag.FlagSet, args []string) error {
	all := flags.Bool("all", false, "take down all labs of this machine, also those of tests that run")
	_ = flags.Parse(args) // it ends the program
	if *all {
		return lab.DownAll(ctx)
	}
	return lab.Down(ctx, *dir)
}

// images opens a lab, and the engine that images are copied from.
func images(dir string) (*lab.Lab, *client.Client, error) {
	l, err := lab.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	c, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	return l, c, err
}

func load(ctx context.Context, dir string, flags *flag.FlagSet) error {
	l, c, err := images(dir)
	if err != nil {
		return err
	}
	return l.Load(ctx, c, flags.Args()...)
}

func push(ctx context.Context, dir string, flags *flag.FlagSet) error {
	l, c, err := images(dir)
	if err != nil {
		return err
	}
	for _, ref := range flags.Args() {
		pushed, err := l.Push(ctx, c, ref)
		if err != nil {
			return err
		}
		fmt.Println(pushed)
	}
	return nil
}
