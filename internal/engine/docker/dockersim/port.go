// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"net/http"
	"strconv"

	"github.com/docker/go-connections/nat"
)

// firstPort is the first port of the host that is given out.
const firstPort = 32768

// hostPort is a published port of the host: "8080", "tcp".
type hostPort struct{ number, protocol string }

// publishPorts takes the ports of the host that a container publishes; one that
// is on internal networks alone publishes nothing. The caller holds the lock.
func (h *Host) publishPorts(c *simContainer) error {
	c.ports = nat.PortMap{}
	if !h.reachable(c) {
		return nil
	}
	for port := range c.config.ExposedPorts {
		c.ports[port] = nil
	}
	for port, bindings := range c.host.PortBindings {
		c.ports[port] = nil
		for _, b := range bindings {
			if b.HostIP == "" {
				b.HostIP = "0.0.0.0"
			}
			if b.HostPort == "" || b.HostPort == "0" {
				b.HostPort = h.freePort(port.Proto())
			}
			key := hostPort{b.HostPort, port.Proto()}
			if _, taken := h.ports[key]; taken {
				return refuse(http.StatusInternalServerError, "driver failed programming external connectivity on endpoint %s (%s): Bind for %s:%s failed: port is already allocated", c.name, newID(), b.HostIP, b.HostPort)
			}
			h.ports[key] = c.id
			c.ports[port] = append(c.ports[port], b)
		}
	}
	return nil
}

// reachable tells whether the host can lead to a container.
func (h *Host) reachable(c *simContainer) bool {
	for name := range c.networks {
		if n, err := h.network(name); err == nil && n.subnet.IsValid() && !n.summary.Internal {
			return true
		}
	}
	return false
}

func (h *Host) freePort(protocol string) string {
	for {
		number := strconv.Itoa(h.nextPort)
		h.nextPort++
		if _, taken := h.ports[hostPort{number, protocol}]; !taken {
			return number
		}
	}
}

func (h *Host) releasePorts(c *simContainer) {
	for port, bindings := range c.ports {
		for _, b := range bindings {
			delete(h.ports, hostPort{b.HostPort, port.Proto()})
		}
	}
	c.ports = nil
}
