// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/swarm"
)

// shapeOf identifies what a service is made with, but for what rolls out and back:
// a text of parts, "args=1a2b3c4d env=…", in which two can be compared. It is the
// same for what was asked for and for what Swarm shows of that later, which it
// completes in many places.
func shapeOf(spec swarm.ServiceSpec) string {
	c := spec.TaskTemplate.ContainerSpec
	if c == nil {
		c = &swarm.ContainerSpec{}
	}
	image, _, _ := strings.Cut(c.Image, "@")
	parts := map[string]any{
		"image": tagged(image), "command": nonNil(c.Command), "args": nonNil(c.Args), "env": nonNil(c.Env), "user": []string{c.User, c.Dir, c.Hostname, c.StopSignal},
		"groups": nonNil(c.Groups), "stop": duration(c.StopGracePeriod), "capabilities": [2][]string{nonNil(c.CapabilityAdd), nonNil(c.CapabilityDrop)},
		"flags": []bool{c.ReadOnly, c.TTY, c.OpenStdin, c.Init != nil && *c.Init}, "hosts": nonNil(c.Hosts),
		"mounts": mountText(c), "health": healthText(c), "limits": limitsText(spec.TaskTemplate.Resources),
		"restart": restartText(spec.TaskTemplate.RestartPolicy), "networks": networkText(spec.TaskTemplate.Networks), "ports": portText(spec.EndpointSpec),
	}
	if len(c.Sysctls) > 0 {
		parts["sysctls"] = c.Sysctls
	}
	out := make([]string, 0, len(parts))
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		text, _ := json.Marshal(parts[name]) // plain data
		sum := sha256.Sum256(text)
		out = append(out, name+"="+hex.EncodeToString(sum[:4]))
	}
	return strings.Join(out, " ")
}

func nonNil(list []string) []string { return append([]string{}, list...) }

func duration(d *time.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return *d
}

func mountText(c *swarm.ContainerSpec) [][4]any {
	out := make([][4]any, 0, len(c.Mounts))
	for _, m := range c.Mounts {
		out = append(out, [4]any{m.Type, m.Source, m.Target, m.ReadOnly})
	}
	return out
}

func healthText(c *swarm.ContainerSpec) []any {
	h := c.Healthcheck
	if h == nil || len(h.Test) == 0 {
		return nil
	}
	return []any{h.Test, h.Interval, h.Timeout, h.StartPeriod, h.Retries}
}

func limitsText(r *swarm.ResourceRequirements) [4]int64 {
	var out [4]int64
	if r != nil && r.Limits != nil {
		out[0], out[1], out[2] = r.Limits.NanoCPUs, r.Limits.MemoryBytes, r.Limits.Pids
	}
	if r != nil && r.Reservations != nil {
		out[3] = r.Reservations.MemoryBytes
	}
	return out
}

func restartText(p *swarm.RestartPolicy) []any {
	if p == nil {
		return nil
	}
	attempts := uint64(0)
	if p.MaxAttempts != nil {
		attempts = *p.MaxAttempts
	}
	return []any{p.Condition, attempts}
}

func networkText(list []swarm.NetworkAttachmentConfig) [][2]any {
	out := make([][2]any, 0, len(list))
	for _, n := range list {
		out = append(out, [2]any{n.Target, nonNil(n.Aliases)})
	}
	slices.SortFunc(out, func(a, b [2]any) int {
		x, _ := a[0].(string)
		y, _ := b[0].(string)
		return strings.Compare(x, y)
	})
	return out
}

func portText(e *swarm.EndpointSpec) [][4]any {
	out := [][4]any{}
	if e == nil {
		return out
	}
	for _, p := range e.Ports {
		out = append(out, [4]any{p.Protocol, p.TargetPort, p.PublishedPort, p.PublishMode})
	}
	return out
}
