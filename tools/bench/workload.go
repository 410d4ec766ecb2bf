// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// The work that every tool is given: a stack of this many containers of one
// tiny image on one bridge network, each with 2 bind mounts, 10 environment
// variables, 5 labels and the restart policy "unless-stopped".
const (
	services   = 23
	mounts     = 2
	variables  = 10
	labels     = 5
	stopSecond = 10 // grace period; the image ends at once
)

// label marks whatever the benchmark makes, so that it can be removed again;
// its value is the name of the run.
const label = "bench.portal.run"

// workload is one run's stack in the forms that the tools read.
type workload struct {
	run   string // unique name, prefix of all names
	image string
	dir   string // an empty directory of the run
	// subnets for the networks of tools that would take them from Docker's
	// default pools, which end at about 30.
	subnets *subnets
}

func serviceName(i int) string { return fmt.Sprintf("s%02d", i) }

func (w workload) environment(service int) []string {
	env := make([]string, variables)
	for i := range env {
		env[i] = fmt.Sprintf("VARIABLE_%d=value %d of service %d", i, i, service)
	}
	return env
}

func (w workload) labels() map[string]string {
	all := map[string]string{label: w.run}
	for i := 1; i < labels; i++ {
		all[fmt.Sprintf("bench.portal.label-%d", i)] = fmt.Sprintf("value-%d", i)
	}
	return all
}

// mountTarget is where a container sees mount i.
func mountTarget(i int) string { return fmt.Sprintf("/data/%d", i) }

// bindSource is the directory on the host for tools that take bind mounts.
func (w workload) bindSource(project string, service, i int) string {
	return filepath.Join(w.dir, "binds", project, serviceName(service), fmt.Sprint(i))
}

// composeFile is the stack as a Compose file. Its volumes are bind mounts
// beneath the run's directory for docker compose, and named volumes for the
// provider, which makes them bind mounts on the shared drive.
func (w workload) composeFile(project string, named bool) string {
	var b, volumes strings.Builder
	b.WriteString("services:\n")
	for s := range services {
		fmt.Fprintf(&b, "  %s:\n    image: %s\n    restart: unless-stopped\n", serviceName(s), w.image)
		fmt.Fprintf(&b, "    stop_grace_period: %ds\n    environment:\n", stopSecond)
		for _, pair := range w.environment(s) {
			name, value, _ := strings.Cut(pair, "=")
			fmt.Fprintf(&b, "      %s: %q\n", name, value)
		}
		b.WriteString("    labels:\n")
		for name, value := range w.labels() {
			fmt.Fprintf(&b, "      %s: %q\n", name, value)
		}
		b.WriteString("    volumes:\n")
		for m := range mounts {
			source := w.bindSource(project, s, m)
			if named {
				source = fmt.Sprintf("%s-%d", serviceName(s), m)
				fmt.Fprintf(&volumes, "  %s: {}\n", source)
			}
			fmt.Fprintf(&b, "      - %s:%s\n", source, mountTarget(m))
		}
		if named {
			b.WriteString("    init: false\n")
		}
	}
	if named {
		fmt.Fprintf(&b, "volumes:\n%s", volumes.String())
	}
	return b.String()
}
