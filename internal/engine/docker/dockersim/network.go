// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
)

// simNetwork is one network. The host's lock guards it.
type simNetwork struct {
	summary network.Inspect // but for the containers
	subnet  netip.Prefix    // invalid without
	used    map[netip.Addr]bool
	// endpoints are those of containers that run, by their ids.
	endpoints map[string]network.EndpointResource
}

func (h *Host) addPredefinedNetworks() {
	for name, driver := range map[string]string{"bridge": "bridge", "host": "host", "none": "null"} {
		n := &simNetwork{
			summary: network.Inspect{
				Name: name, ID: newID(), Created: time.Now(), Scope: "local", Driver: driver,
				Options: map[string]string{}, Labels: map[string]string{},
			},
			endpoints: map[string]network.EndpointResource{},
		}
		if name == "bridge" {
			n.assign(netip.MustParsePrefix("172.17.0.0/16"))
		}
		h.networks[n.summary.ID] = n
	}
}

// assign gives the network a subnet, whose first address is the gateway's.
func (n *simNetwork) assign(subnet netip.Prefix) {
	gateway := subnet.Addr().Next()
	n.subnet, n.used = subnet, map[netip.Addr]bool{subnet.Addr(): true, gateway: true}
	n.summary.IPAM = network.IPAM{
		Driver: "default",
		Config: []network.IPAMConfig{{Subnet: subnet.String(), Gateway: gateway.String()}},
	}
}

// network finds one by id or name. The caller holds the lock.
func (h *Host) network(ref string) (*simNetwork, error) {
	if n := h.networks[ref]; n != nil {
		return n, nil
	}
	for _, n := range h.networks {
		if n.summary.Name == ref {
			return n, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "network %s not found", ref)
}

func (h *Host) createNetwork(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	var req network.CreateRequest
	if err := decode(r, &req); err != nil {
		return 0, nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := h.network(req.Name); err == nil {
		return 0, nil, refuse(http.StatusConflict, "network with name %s already exists", req.Name)
	}
	n := &simNetwork{
		summary: network.Inspect{
			Name: req.Name, ID: newID(), Created: time.Now(), Scope: "local", Driver: "bridge",
			Internal: req.Internal, Attachable: req.Attachable, Labels: req.Labels, Options: req.Options,
		},
		endpoints: map[string]network.EndpointResource{},
	}
	subnet, err := h.subnetFor(req.IPAM)
	if err != nil {
		return 0, nil, err
	}
	n.assign(subnet)
	h.networks[n.summary.ID] = n
	return http.StatusCreated, network.CreateResponse{ID: n.summary.ID}, nil
}

// subnetFor is the subnet that was asked for, or a free one of Docker's pools.
func (h *Host) subnetFor(ipam *network.IPAM) (netip.Prefix, error) {
	if ipam != nil && len(ipam.Config) > 0 && ipam.Config[0].Subnet != "" {
		subnet, err := netip.ParsePrefix(ipam.Config[0].Subnet)
		switch {
		case err != nil:
			return subnet, refuse(http.StatusBadRequest, "failed to parse subnet: %v", err)
		case h.overlaps(subnet):
			return subnet, refuse(http.StatusForbidden, "Pool overlaps with other one on this address space")
		}
		return subnet, nil
	}
	for second := 18; second < 32; second++ {
		subnet := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(second), 0, 0}), 16)
		if !h.overlaps(subnet) {
			return subnet, nil
		}
	}
	return netip.Prefix{}, refuse(http.StatusInternalServerError, "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network")
}

func (h *Host) overlaps(subnet netip.Prefix) bool {
	for _, n := range h.networks {
		if n.subnet.IsValid() && n.subnet.Overlaps(subnet) {
			return true
		}
	}
	return false
}

func (h *Host) listNetworks(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	wanted, err := filters.FromJSON(r.URL.Query().Get("filters"))
	if err != nil {
		return 0, nil, refuse(http.StatusBadRequest, "%v", err)
	}
	if err := wanted.Validate(map[string]bool{"driver": true, "id": true, "label": true, "name": true}); err != nil {
		return 0, nil, refuse(http.StatusBadRequest, "%v", err)
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := []network.Inspect{}
	for _, n := range h.networks {
		s := n.summary
		if wanted.MatchKVList("label", s.Labels) && wanted.Match("name", s.Name) && wanted.Match("id", s.ID) && wanted.ExactMatch("driver", s.Driver) {
			s.Containers = map[string]network.EndpointResource{}
			out = append(out, s)
		}
	}
	return http.StatusOK, out, nil
}

// inspectNetwork shows the containers that run; others have no endpoint.
func (h *Host) inspectNetwork(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	n, err := h.network(r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	s := n.summary
	s.Containers = map[string]network.EndpointResource{}
	for id, e := range n.endpoints {
		s.Containers[id] = e
	}
	return http.StatusOK, s, nil
}

func (h *Host) removeNetwork(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, err := h.network(r.PathValue("id"))
	switch {
	case err != nil:
		return 0, nil, err
	case n.summary.Name == "bridge" || n.summary.Name == "host" || n.summary.Name == "none":
		return 0, nil, refuse(http.StatusForbidden, "%s is a pre-defined network and cannot be removed", n.summary.Name)
	case len(n.endpoints) > 0:
		return 0, nil, refuse(http.StatusForbidden, "error while removing network: network %s id %s has active endpoints", n.summary.Name, n.summary.ID)
	}
	delete(h.networks, n.summary.ID)
	return http.StatusNoContent, nil, nil
}

func (h *Host) connectNetwork(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	var req network.ConnectOptions
	if err := decode(r, &req); err != nil {
		return 0, nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n, err := h.network(r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	c, err := h.find(req.Container)
	if err != nil {
		return 0, nil, err
	}
	name := n.summary.Name
	if c.networks[name] != nil {
		return 0, nil, refuse(http.StatusForbidden, "endpoint with name %s already exists in network %s", c.name, name)
	}
	e := req.EndpointConfig
	if e == nil {
		e = &network.EndpointSettings{}
	}
	delete(c.networks, network.NetworkNone)
	c.networks[name] = e
	c.changed()
	if c.running {
		return http.StatusOK, nil, h.joinOne(c, name, e)
	}
	return http.StatusOK, nil, nil
}

func (h *Host) disconnectNetwork(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	var req network.DisconnectOptions
	if err := decode(r, &req); err != nil {
		return 0, nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n, err := h.network(r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	c, err := h.find(req.Container)
	if err != nil {
		return 0, nil, err
	}
	name := n.summary.Name
	if c.networks[name] == nil {
		return 0, nil, refuse(http.StatusInternalServerError, "container %s is not connected to network %s", c.id, name)
	}
	h.leaveOne(c, name)
	delete(c.networks, name)
	c.changed()
	return http.StatusOK, nil, nil
}

// join gives a container that starts an endpoint on each of its networks. The
// caller holds the lock.
func (h *Host) join(c *simContainer) error {
	for name, e := range c.networks {
		if err := h.joinOne(c, name, e); err != nil {
			h.leave(c)
			return err
		}
	}
	return nil
}

func (h *Host) joinOne(c *simContainer, name string, e *network.EndpointSettings) error {
	n, err := h.network(name)
	if err != nil {
		return err
	}
	e.NetworkID, e.EndpointID = n.summary.ID, newID()
	r := network.EndpointResource{Name: c.name, EndpointID: e.EndpointID}
	if n.subnet.IsValid() {
		address, ok := n.take()
		if !ok {
			return refuse(http.StatusInternalServerError, "no available IPv4 addresses on this network's address pools: %s (%s)", name, n.summary.ID)
		}
		e.IPAddress, e.IPPrefixLen, e.Gateway = address.String(), n.subnet.Bits(), n.subnet.Addr().Next().String()
		r.IPv4Address = netip.PrefixFrom(address, n.subnet.Bits()).String()
	}
	n.endpoints[c.id] = r
	return nil
}

// take reserves the next free address.
func (n *simNetwork) take() (netip.Addr, bool) {
	for a := n.subnet.Addr(); n.subnet.Contains(a); a = a.Next() {
		if !n.used[a] {
			n.used[a] = true
			return a, true
		}
	}
	return netip.Addr{}, false
}

// leave takes the endpoints and ports of a container that ends away.
func (h *Host) leave(c *simContainer) {
	for name := range c.networks {
		h.leaveOne(c, name)
	}
	h.releasePorts(c)
}

func (h *Host) leaveOne(c *simContainer, name string) {
	e := c.networks[name]
	n := h.networks[e.NetworkID]
	e.EndpointID = ""
	if n == nil {
		return
	}
	if address, err := netip.ParseAddr(e.IPAddress); err == nil {
		delete(n.used, address)
	}
	e.IPAddress, e.IPPrefixLen, e.Gateway = "", 0, ""
	delete(n.endpoints, c.id)
}
