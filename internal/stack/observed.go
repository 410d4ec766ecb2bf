// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"slices"
	"strings"
	"time"
)

// Observed is what an engine found of one portal.
type Observed struct {
	Portal string
	// Host is the name of the host that runs it; empty when nothing runs.
	Host string
	// Elsewhere is what other hosts have of it, sorted by their names: after a
	// move that was cut off, and when a host came back that was given up.
	Elsewhere []Observed
	// Silent are the hosts that did not answer, sorted: nobody knows what they
	// have.
	Silent []string
	// Containers that carry the portal's label.
	Containers []Container
	// Foreign are containers without this portal's label whose name begins
	// with "<portal>-": they may hold a name that the portal needs.
	Foreign []Foreign
	// Networks are the names of the portal's networks. Only a fresh
	// observation has them; a shared one leaves them out.
	Networks []string
}

// Of returns what belongs to one part of the stack; see Stack.Owner.
func (o Observed) Of(owner string) Observed {
	o.Containers = slices.DeleteFunc(slices.Clone(o.Containers), func(c Container) bool { return c.Owner != owner })
	var elsewhere []Observed
	for _, other := range o.Elsewhere {
		if other = other.Of(owner); len(other.Containers) > 0 {
			elsewhere = append(elsewhere, other)
		}
	}
	o.Elsewhere = elsewhere
	return o
}

// has tells whether a container is among those observed.
func (o Observed) has(c Container) bool {
	return slices.ContainsFunc(o.Containers, func(own Container) bool { return own.ID == c.ID })
}

// Running counts the containers that run.
func (o Observed) Running() int {
	n := 0
	for _, c := range o.Containers {
		if isUp(c) {
			n++
		}
	}
	return n
}

// Residence joins what several hosts have of one portal: it lives on the host of
// the given name or, when that is empty, where most of it runs, on the first
// among equals. An engine that is in the pool under two names has the very same
// containers under both; they are not elsewhere.
func Residence(host string, found []Observed) Observed {
	home := 0
	for i, o := range found {
		switch {
		case host != "" && o.Host == host:
			home = i
		case host == "" && o.Running() > found[home].Running():
			home = i
		}
	}
	out := found[home]
	for i, o := range found {
		if i != home && len(o.Containers) > 0 && !slices.ContainsFunc(out.Containers, o.has) {
			out.Elsewhere = append(out.Elsewhere, o)
		}
	}
	return out
}

// Nowhere joins what hosts tell of a portal that none of them has.
func Nowhere(portal string, found []Observed) Observed {
	out := Observed{Portal: portal}
	for _, o := range found {
		out.Foreign = append(out.Foreign, o.Foreign...)
	}
	slices.SortFunc(out.Foreign, func(a, b Foreign) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Container is one container of the portal, in the terms the domain compares.
type Container struct {
	ID      string
	Name    string
	Service string
	// Owner is Stack.Owner of the part it belongs to.
	Owner  string
	Number int // replica number, from 1
	// Replicas is how many containers of the service are to run, where an engine
	// runs them itself and has one entry for all of a service; 0 where each
	// container has an entry of its own.
	Replicas int
	// Down is how many of the Replicas do not run now.
	Down   int
	Digest string
	// Constraints on where an engine that has one entry for a service runs it.
	Constraints []string
	// Task is set from the label that says when a task runs; empty for a service.
	Task TaskWhen

	// Image is the reference the container was made from; ImageMoved tells
	// that this reference names another image now.
	Image      string
	ImageMoved bool

	State     State
	Health    Health
	ExitCode  int
	StartedAt time.Time
	// FinishedAt is zero when the container has never stopped.
	FinishedAt time.Time

	// Networks that the container is attached to, sorted; Intended is what
	// it was made with.
	Networks         []string
	IntendedNetworks []string
	// Settings that can be changed on a container after it was made: what they
	// are, and what the container was made with.
	Settings         Settings
	IntendedSettings Settings
	// StorageID is the id of the shared drive whose files it mounts, empty when
	// it is not known.
	StorageID string
	// DependsOn are the services it was ordered after when it was made.
	DependsOn []string
	// RestartOn names what the service restarts on: "overrides".
	RestartOn []string
	// Mounts are the absolute paths on the host that it has mounted.
	Mounts []string
	// Ports maps "80/tcp" to the host port.
	Ports map[string]int
}

// Settings are what can be changed on a container, or on a service of Swarm,
// after it was made.
type Settings struct {
	Resources Resources
	Restart   string
	// Replicas of an entry that stands for all of a service.
	Replicas int
	// Shape identifies all else that a service of Swarm is made with.
	Shape string
}

// State of a container, in Docker's words.
type State string

const (
	Created    State = "created"
	Running    State = "running"
	Paused     State = "paused"
	Restarting State = "restarting"
	Exited     State = "exited"
	Dead       State = "dead"
	Removing   State = "removing"
)

// Health of a container, in Docker's words; NoHealth without a check.
type Health string

const (
	NoHealth       Health = ""
	HealthStarting Health = "starting"
	HealthHealthy  Health = "healthy"
	HealthBad      Health = "unhealthy"
)

// Foreign is a container of somebody else that holds a name of the portal's.
type Foreign struct {
	ID, Name, Image string
	Running         bool
	// Networks it is attached to.
	Networks []string
}
