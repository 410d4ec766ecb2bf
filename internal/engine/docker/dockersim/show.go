// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
)

// never is the time of what did not happen.
const never = "0001-01-01T00:00:00Z"

func timeOrNever(t time.Time) string {
	if t.IsZero() {
		return never
	}
	return timeText(t)
}

func (h *Host) inspectContainer(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	c, err := h.find(r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	// Encoded under the lock: the container may change right after.
	text, err := json.Marshal(h.response(c))
	return http.StatusOK, json.RawMessage(text), err
}

// response is what an inspect tells.
func (h *Host) response(c *simContainer) container.InspectResponse {
	command := slices.Concat(c.config.Entrypoint, c.config.Cmd)
	r := container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{
			ID: c.id, Name: "/" + c.name, Created: timeText(c.created), Image: c.image,
			HostConfig: c.host, Driver: "overlay2", Platform: "linux",
			LogPath: "/var/lib/docker/containers/" + c.id + "/" + c.id + "-json.log",
			State: &container.State{
				Status: c.status(), Running: c.running, Paused: c.paused, Pid: c.pid,
				ExitCode: c.exitCode, Error: c.err,
				StartedAt: timeOrNever(c.started), FinishedAt: timeOrNever(c.ended),
				Health: h.health(c),
			},
		},
		Mounts: c.mounts, Config: c.config,
		NetworkSettings: &container.NetworkSettings{Networks: c.networks},
	}
	if len(command) > 0 {
		r.Path, r.Args = command[0], command[1:]
	}
	r.NetworkSettings.Ports = c.ports
	if c.ports == nil {
		r.NetworkSettings.Ports = nat.PortMap{}
	}
	return r
}

// health is that of a container with a health check, nil without.
func (h *Host) health(c *simContainer) *container.Health {
	check := c.config.Healthcheck
	if check == nil || len(check.Test) == 0 || check.Test[0] == "NONE" {
		return nil
	}
	state := &container.Health{Status: container.Starting, Log: []*container.HealthcheckResult{}}
	switch {
	case !c.running:
		state.Status = container.Unhealthy
		if !c.everRan {
			state.Status = container.Starting
		}
	case time.Since(c.started) >= h.options.HealthAfter && exitCode(check.Test[1:]) == 0:
		state.Status = container.Healthy
	}
	return state
}

func (h *Host) listContainers(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	wanted, err := filters.FromJSON(r.URL.Query().Get("filters"))
	if err != nil {
		return 0, nil, refuse(http.StatusBadRequest, "%v", err)
	}
	if err := wanted.Validate(listFilters); err != nil {
		return 0, nil, refuse(http.StatusBadRequest, "%v", err)
	}
	all := flag(r, "all") || wanted.Contains("status")

	h.mu.Lock() // writes what it remembers of each
	defer h.mu.Unlock()
	choice := newChoice(wanted)
	chosen := make([]*simContainer, 0, len(h.containers))
	for _, c := range h.containers {
		if (all || c.running) && choice.matches(c) {
			chosen = append(chosen, c)
		}
	}
	slices.SortFunc(chosen, func(a, b *simContainer) int { return b.created.Compare(a.created) })
	text := []byte("[")
	for i, c := range chosen {
		if i > 0 {
			text = append(text, ',')
		}
		if c.summary == nil {
			if c.summary, err = json.Marshal(h.summaryOf(c)); err != nil {
				return 0, nil, err
			}
		}
		text = append(text, c.summary...)
	}
	return http.StatusOK, json.RawMessage(append(text, ']')), nil
}

// listFilters are those that a list understands; there are more in Docker.
var listFilters = map[string]bool{"id": true, "label": true, "name": true, "status": true}

// choice is what a list is to show. Its patterns are compiled once, not for each
// container.
type choice struct {
	wanted     filters.Args
	names, ids []*regexp.Regexp
}

func newChoice(wanted filters.Args) choice {
	return choice{wanted: wanted, names: patterns(wanted.Get("name")), ids: patterns(wanted.Get("id"))}
}

// patterns leaves out what is no pattern, as Docker does.
func patterns(texts []string) []*regexp.Regexp {
	var all []*regexp.Regexp
	for _, text := range texts {
		if p, err := regexp.Compile(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

func (f choice) matches(c *simContainer) bool {
	return f.wanted.MatchKVList("label", c.config.Labels) &&
		(!f.wanted.Contains("name") || matchAny(f.names, c.name, "/"+c.name)) &&
		(!f.wanted.Contains("id") || matchAny(f.ids, c.id)) &&
		(!f.wanted.Contains("status") || f.wanted.ExactMatch("status", c.status()))
}

func matchAny(patterns []*regexp.Regexp, texts ...string) bool {
	return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return slices.ContainsFunc(texts, p.MatchString) })
}

// summaryOf is what a list tells.
func (h *Host) summaryOf(c *simContainer) container.Summary {
	s := container.Summary{
		ID: c.id, Names: []string{"/" + c.name}, Image: c.config.Image, ImageID: c.image,
		Command: strings.Join(slices.Concat(c.config.Entrypoint, c.config.Cmd), " "),
		Created: c.created.Unix(), Ports: portList(c), Labels: c.config.Labels,
		State: c.status(), Status: statusText(c), Mounts: c.mounts,
		NetworkSettings: &container.NetworkSettingsSummary{Networks: map[string]*network.EndpointSettings{}},
	}
	if i := h.imageNamed(c.config.Image); i == nil || i.id != c.image {
		s.Image = c.image
	}
	s.HostConfig.NetworkMode = string(c.host.NetworkMode)
	for name, e := range c.networks {
		// A list leaves the aliases out.
		short := *e
		short.Aliases, short.DNSNames = nil, nil
		s.NetworkSettings.Networks[name] = &short
	}
	return s
}

func portList(c *simContainer) []container.Port {
	out := []container.Port{}
	for port, bindings := range c.ports {
		if len(bindings) == 0 {
			out = append(out, container.Port{PrivatePort: uint16(port.Int()), Type: port.Proto()})
		}
		for _, b := range bindings {
			public, _ := strconv.ParseUint(b.HostPort, 10, 16)
			out = append(out, container.Port{IP: b.HostIP, PrivatePort: uint16(port.Int()), PublicPort: uint16(public), Type: port.Proto()})
		}
	}
	return out
}

// statusText is for people, and does not count the minutes.
func statusText(c *simContainer) string {
	switch c.status() {
	case container.StateRunning:
		return "Up"
	case container.StatePaused:
		return "Up (Paused)"
	case container.StateCreated:
		return "Created"
	}
	return "Exited (" + strconv.Itoa(c.exitCode) + ")"
}
