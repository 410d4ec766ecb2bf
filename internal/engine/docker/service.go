// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"io/fs"
	"math"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/go-connections/nat"
	"github.com/docker/go-units"

	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// API versions that brought what a create call may say.
const (
	apiStartInterval = "1.44" // health checks with a start interval
	apiManyNetworks  = "1.44" // more than one network at create
)

// createBody is the request that makes one container.
type createBody struct {
	config  *container.Config
	host    *container.HostConfig
	network *network.NetworkingConfig
	// rest are the networks to connect after the create, for old engines.
	rest []string
}

// bodyOf turns replica number of a service into a create call. It is pure.
func bodyOf(st *stack.Stack, s *stack.Service, number int, version, api string) createBody {
	b := createBody{
		config: ContainerConfig(s, api),
		host:   hostConfig(s),
	}
	b.config.Labels = LabelsOf(st, s, number, version)
	b.network, b.rest = networking(st, s, number, api)
	b.host.NetworkMode = "none"
	if names := NetworkNames(s); len(names) > 0 {
		b.host.NetworkMode = container.NetworkMode(names[0])
	}
	return b
}

// ContainerConfig is what a container of a service is made with, but for its host's part
// and its labels, for an engine that speaks the given API.
func ContainerConfig(s *stack.Service, api string) *container.Config {
	c := &container.Config{
		Hostname:    s.Hostname,
		User:        s.User,
		Tty:         s.TTY,
		OpenStdin:   s.StdinOpen,
		Env:         environment(s.Environment),
		Cmd:         s.Command,
		Entrypoint:  s.Entrypoint,
		Image:       s.Image,
		WorkingDir:  s.WorkingDir,
		StopSignal:  s.StopSignal,
		Healthcheck: healthConfig(s.Healthcheck, api),
	}
	if s.StopGrace > 0 {
		// Kept on the container, so that "docker stop" and the daemon's own
		// shutdown wait as long.
		secs := int(math.Ceil(s.StopGrace.Seconds()))
		c.StopTimeout = &secs
	}
	for _, p := range s.Ports {
		if c.ExposedPorts == nil {
			c.ExposedPorts = nat.PortSet{}
		}
		c.ExposedPorts[natPort(p)] = struct{}{}
	}
	return c
}

func hostConfig(s *stack.Service) *container.HostConfig {
	h := &container.HostConfig{
		Mounts:         Mounts(s.Mounts),
		PortBindings:   portBindings(s.Ports),
		RestartPolicy:  restartPolicy(s.Restart),
		Resources:      resources(s.Resources),
		ExtraHosts:     s.ExtraHosts,
		DNS:            s.DNS,
		CapAdd:         s.CapAdd,
		CapDrop:        s.CapDrop,
		SecurityOpt:    s.SecurityOpt,
		GroupAdd:       s.GroupAdd,
		Sysctls:        s.Sysctls,
		ShmSize:        s.ShmSize,
		ReadonlyRootfs: s.ReadOnly,
		LogConfig:      container.LogConfig{Type: s.LogDriver, Config: s.LogOptions},
	}
	if s.Init {
		yes := true
		h.Init = &yes
	}
	h.Ulimits = Ulimits(s.Ulimits)
	return h
}

func environment(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for k, v := range env {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return out
}

// healthConfig leaves out the start interval where the engine does not know
// it; there, waiting runs the health command itself.
func healthConfig(h *stack.Healthcheck, api string) *container.HealthConfig {
	if h == nil {
		return nil
	}
	c := &container.HealthConfig{
		Test: h.Test, Interval: h.Interval, Timeout: h.Timeout,
		StartPeriod: h.StartPeriod, Retries: h.Retries,
	}
	if versions.GreaterThanOrEqualTo(api, apiStartInterval) {
		c.StartInterval = h.StartInterval
	}
	return c
}

// Mounts puts mounts into Docker's terms.
func Mounts(ms []stack.Mount) []mount.Mount {
	out := make([]mount.Mount, 0, len(ms))
	for _, m := range ms {
		if m.Source == "" {
			out = append(out, mount.Mount{
				Type: mount.TypeTmpfs, Target: m.Target, ReadOnly: m.ReadOnly,
				TmpfsOptions: &mount.TmpfsOptions{SizeBytes: m.Size, Mode: fs.FileMode(m.Mode)},
			})
			continue
		}
		out = append(out, Bind(m.Source, m.Target, m.ReadOnly))
	}
	return out
}

// Bind mounts a path of the host.
func Bind(source, target string, readOnly bool) mount.Mount {
	return mount.Mount{
		Type: mount.TypeBind, Source: source, Target: target, ReadOnly: readOnly,
		BindOptions: &mount.BindOptions{Propagation: mount.PropagationRPrivate},
	}
}

func natPort(p stack.Port) nat.Port {
	proto := p.Protocol
	if proto == "" {
		proto = "tcp"
	}
	return nat.Port(strconv.Itoa(p.Container) + "/" + proto)
}

func portBindings(ports []stack.Port) nat.PortMap {
	if len(ports) == 0 {
		return nil
	}
	out := nat.PortMap{}
	for _, p := range ports {
		binding := nat.PortBinding{HostIP: p.HostIP}
		if p.Host != 0 {
			binding.HostPort = strconv.Itoa(p.Host)
		}
		out[natPort(p)] = append(out[natPort(p)], binding)
	}
	return out
}

// resources sets the swap limit to the memory limit: a container that swaps
// slows its whole host down.
func resources(r stack.Resources) container.Resources {
	out := container.Resources{
		Memory:            r.Memory,
		MemorySwap:        r.Memory,
		MemoryReservation: r.MemoryReservation,
		NanoCPUs:          nanoCPUs(r.CPUs),
	}
	if r.PIDs > 0 {
		out.PidsLimit = &r.PIDs
	}
	return out
}

func nanoCPUs(cpus float64) int64 { return int64(math.Round(cpus * 1e9)) }

// restartPolicy reads Compose's form, "on-failure:3".
func restartPolicy(s string) container.RestartPolicy {
	name, count, _ := strings.Cut(s, ":")
	if name == "" {
		name = string(container.RestartPolicyDisabled)
	}
	// The blueprint has checked the number; none means no bound.
	n, _ := strconv.Atoi(count)
	return container.RestartPolicy{Name: container.RestartPolicyMode(name), MaximumRetryCount: n}
}

// Ulimits puts limits of processes into Docker's terms, sorted by name.
func Ulimits(limits map[string]stack.Ulimit) []*container.Ulimit {
	out := make([]*units.Ulimit, 0, len(limits))
	for name, l := range limits {
		out = append(out, &units.Ulimit{Name: name, Soft: l.Soft, Hard: l.Hard})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// NetworkNames lists a service's networks; the first one is the default route.
func NetworkNames(s *stack.Service) []string {
	names := make([]string, 0, len(s.Networks))
	for n := range s.Networks {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// networking says which networks a create call attaches, and which are left
// to connect after it.
func networking(st *stack.Stack, s *stack.Service, number int, api string) (*network.NetworkingConfig, []string) {
	names := NetworkNames(s)
	if len(names) == 0 {
		return nil, nil
	}
	var rest []string
	if versions.LessThan(api, apiManyNetworks) {
		names, rest = names[:1], names[1:]
	}
	endpoints := make(map[string]*network.EndpointSettings, len(names))
	for _, n := range names {
		endpoints[n] = endpoint(st, s, number, n)
	}
	return &network.NetworkingConfig{EndpointsConfig: endpoints}, rest
}

// endpoint gives a replica of a service its aliases on a network: the service's
// name and other aliases, which all replicas have, and one of its own.
func endpoint(st *stack.Stack, s *stack.Service, number int, networkName string) *network.EndpointSettings {
	if st.Networks[networkName].Gateway != "" {
		// Others' load balancers are there too: no name that two could have.
		return &network.EndpointSettings{Aliases: s.Networks[networkName]}
	}
	aliases := []string{s.Name}
	for _, a := range append(slices.Clone(s.Networks[networkName]), replicaAlias(st, s, number)) {
		if a != "" && !slices.Contains(aliases, a) {
			aliases = append(aliases, a)
		}
	}
	return &network.EndpointSettings{Aliases: aliases}
}

// replicaAlias is the name that leads to one replica of a service alone:
// "lms-2". Tasks have none, nor has a replica whose alias is a service's name.
func replicaAlias(st *stack.Stack, s *stack.Service, number int) string {
	alias := s.Name + "-" + strconv.Itoa(number)
	if s.Task != nil || st.Services[alias] != nil {
		return ""
	}
	return alias
}

// LabelsOf are the blueprint's labels, Docker Compose's and ours.
func LabelsOf(st *stack.Stack, s *stack.Service, number int, version string) map[string]string {
	digest, n := stack.Digest(s), strconv.Itoa(number)
	out := map[string]string{}
	for k, v := range s.Labels {
		out[k] = v
	}
	for k, v := range map[string]string{
		"com.docker.compose.project":              st.Portal,
		"com.docker.compose.service":              s.Name,
		"com.docker.compose.container-number":     n,
		"com.docker.compose.oneoff":               "False",
		"com.docker.compose.config-hash":          digest,
		"com.docker.compose.version":              version,
		"com.docker.compose.project.config_files": path.Join(st.Directory, "portal.json"),
		pool.LabelDirectory:                       st.Directory,
		pool.LabelDependsOn:                       dependsOn(s.DependsOn),
		pool.LabelPortal:                          st.Portal,
		pool.LabelService:                         s.Name,
		pool.LabelNumber:                          n,
		pool.LabelDigest:                          digest,
		pool.LabelMemory:                          strconv.FormatInt(s.Reserves(), 10),
		pool.LabelIntended:                        intendedOf(s).encode(),
	} {
		out[k] = v
	}
	if st.Owner != "" {
		out[pool.LabelOwner] = st.Owner
	}
	if st.Role != "" {
		out[pool.LabelRole] = st.Role
	}
	if s.Task != nil {
		out[pool.LabelTask] = string(s.Task.When)
		if s.Task.Schedule != "" {
			out[pool.LabelSchedule] = s.Task.Schedule
		}
	}
	if len(s.RestartOn) > 0 {
		out[pool.LabelRestartOn] = strings.Join(s.RestartOn, ",")
	}
	if st.StorageID != "" {
		out[pool.LabelStorage] = st.StorageID
	}
	return out
}

// dependsOn is Compose's form: name:condition:restart, by comma.
func dependsOn(deps map[string]stack.Condition) string {
	parts := make([]string, 0, len(deps))
	for name, condition := range deps {
		parts = append(parts, name+":"+string(condition)+":false")
	}
	sort.Strings(parts)
	return strings.Join(parts, ",")
}

// ParseDependsOn reads the names of pool.LabelDependsOn back.
func ParseDependsOn(label string) []string {
	var names []string
	for part := range strings.SplitSeq(label, ",") {
		if name, _, _ := strings.Cut(part, ":"); name != "" {
			names = append(names, name)
		}
	}
	return names
}
