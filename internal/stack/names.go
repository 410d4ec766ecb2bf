// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"fmt"
	"regexp"
	"strconv"
)

// A portal's name becomes a directory, a part of container, network and DNS
// names, and a Compose project name: lower case, at most 40 characters.
var nameRE = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

const maxName = 40

// ValidateName tells what is wrong with a portal's name, nil when it is fine.
func ValidateName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("portal name %q has %d characters: at most %d are allowed", name, len(name), maxName)
	}
	if !nameRE.MatchString(name) {
		return fmt.Errorf("portal name %q is not valid: it must begin with a lower-case letter and hold only lower-case letters, digits and single hyphens between them, for example \"acme\" or \"acme-emea\"", name)
	}
	return nil
}

// Suffixes of container names while a replica is being replaced.
const (
	previousSuffix = "_previous"
	nextSuffix     = "_next"
)

// ContainerName is the name of replica number of a service ("acme-lms-1"), or
// of a task ("acme-backup"), as Docker Compose would name it.
func ContainerName(portal string, s *Service, number int) string {
	if s.Task != nil {
		return portal + "-" + s.Name
	}
	return portal + "-" + s.Name + "-" + strconv.Itoa(number)
}

// UnitName is the name of all of a service ("acme-lms") where an engine runs its
// replicas itself. A task has the name of its container.
func UnitName(portal, service string) string { return portal + "-" + service }

// properName is ContainerName, or UnitName, for what was observed.
func properName(portal string, c Container) string {
	if c.Task != "" || c.Replicas > 0 {
		return UnitName(portal, c.Service)
	}
	return portal + "-" + c.Service + "-" + strconv.Itoa(c.Number)
}

// NetworkName is the full name of a portal's network ("acme_default").
func NetworkName(portal, network string) string { return portal + "_" + network }

// EdgeNetwork is the full name of the network in which a gateway reaches the load
// balancers of its portals on a host, and in which there is nothing else.
func EdgeNetwork(gateway string) string { return NetworkName(gateway, "edge") }

// EdgeAlias is the name of a portal's load balancer in that network. The domain
// .internal is nobody's (ICANN, 2024).
func EdgeAlias(portal string) string { return portal + ".portals.internal" }
