// SPDX-License-Identifier: MPL-2.0

package stack

import "strings"

// loadBalancer is the service whose port is the portal's address.
const loadBalancer = "load-balancer"

// HTTPPort returns the host port that leads to the portal: the one that the
// load balancer publishes, or else the first service by name that publishes a
// TCP port. It is 0 when nothing is published.
func HTTPPort(o Observed) int {
	services := byService(o.Containers)
	for _, name := range append([]string{loadBalancer}, sortedKeys(services)...) {
		for _, c := range services[name] {
			for _, key := range sortedKeys(c.Ports) {
				if strings.HasSuffix(key, "/tcp") && c.Ports[key] != 0 {
					return c.Ports[key]
				}
			}
		}
	}
	return 0
}
