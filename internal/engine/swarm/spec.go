// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/versions"

	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const (
	// labelReplicas of a service is how many there are to be, whatever it is
	// scaled to; labelShape what else it was made with; see shapeOf.
	labelReplicas = "io.privateportals.replicas"
	labelShape    = "io.privateportals.shape"
	// labelStack lets "docker stack services" show a portal.
	labelStack = "com.docker.stack.namespace"

	// onManagers keeps what the provider has to talk to where it can: on managers,
	// whose endpoints it has.
	onManagers = "node.role == manager"

	// retryDelay is how long Swarm waits until it starts anew what ended.
	retryDelay = 2 * time.Second
	// monitor is how long Swarm watches a new replica for failure.
	monitor = 5 * time.Second

	// apiStartInterval is the API from which health checks have a start interval, and
	// oldInterval how often health is looked at where they have none.
	apiStartInterval = "1.44"
	oldInterval      = 5 * time.Second

	// apiNoNewPrivileges is the API from which Swarm passes that on.
	apiNoNewPrivileges = "1.44"
)

// surroundings are what a service is made for: a network has an id, an image a
// digest.
type surroundings struct {
	networks map[string]string // name → id
	image    string            // with its digest, if that is known
	api      string            // of the manager
	sysctls  map[string]string
	wrap     func(*swarm.ContainerSpec) // for a lease; nil for none
	options  Options
}

// specOf turns a service into what Swarm is asked for. It is pure. A task is a job
// that is not run yet.
func specOf(st *stack.Stack, s *stack.Service, in surroundings) swarm.ServiceSpec {
	spec := swarm.ServiceSpec{
		Annotations: swarm.Annotations{Name: stack.UnitName(st.Portal, s.Name), Labels: docker.LabelsOf(st, s, 1, in.options.Version)},
		TaskTemplate: swarm.TaskSpec{
			ContainerSpec: containerSpec(st, s, in),
			Resources:     resources(s.Resources),
			RestartPolicy: restartPolicy(s),
			Placement:     &swarm.Placement{Constraints: constraints(st, s)},
			Networks:      networks(st, s, in.networks),
			LogDriver:     logDriver(s),
		},
		EndpointSpec: &swarm.EndpointSpec{Mode: swarm.ResolutionModeDNSRR, Ports: ports(s.Ports)},
	}
	if in.options.EndpointMode == string(swarm.ResolutionModeVIP) {
		spec.EndpointSpec.Mode = swarm.ResolutionModeVIP
	}
	spec.Labels[labelStack] = st.Portal
	spec.Labels[labelReplicas] = strconv.Itoa(s.Replicas)
	spec.Labels[labelShape] = shapeOf(spec)
	switch {
	case s.Task != nil:
		spec.Mode.ReplicatedJob = &swarm.ReplicatedJob{MaxConcurrent: count(1), TotalCompletions: count(0)}
	case st.Role == stack.RoleGateway:
		spec.Mode.Global = &swarm.GlobalService{}
	default:
		spec.Mode.Replicated = &swarm.ReplicatedService{Replicas: count(0)}
	}
	if s.Task == nil {
		spec.UpdateConfig = updateConfig(s, swarm.UpdateFailureActionRollback)
		spec.RollbackConfig = updateConfig(s, swarm.UpdateFailureActionPause)
	}
	return spec
}

func count(n int) *uint64 {
	u := uint64(max(n, 0))
	return &u
}

func containerSpec(st *stack.Stack, s *stack.Service, in surroundings) *swarm.ContainerSpec {
	c := docker.ContainerConfig(s, in.api)
	grace := s.StopGrace
	out := &swarm.ContainerSpec{
		Image: in.image,
		// What "docker ps" on a node shows. That of a portal is not among them: a
		// container of Swarm is nothing for engine docker.
		Labels:  map[string]string{labelStack: st.Portal, pool.LabelDigest: stack.Digest(s)},
		Command: c.Entrypoint, Args: c.Cmd, Hostname: literal(c.Hostname), Env: literals(c.Env), Dir: c.WorkingDir, User: c.User, Groups: s.GroupAdd,
		StopSignal: c.StopSignal, TTY: c.Tty, OpenStdin: c.OpenStdin, ReadOnly: s.ReadOnly,
		Mounts: mounts(s), StopGracePeriod: &grace, Healthcheck: health(c.Healthcheck, in.api), Hosts: hosts(s.ExtraHosts),
		Sysctls: in.sysctls, CapabilityAdd: s.CapAdd, CapabilityDrop: s.CapDrop, Ulimits: docker.Ulimits(s.Ulimits),
	}
	if grace == 0 {
		out.StopGracePeriod = nil
	}
	if s.Init {
		yes := true
		out.Init = &yes
	}
	if len(s.DNS) > 0 {
		out.DNSConfig = &swarm.DNSConfig{Nameservers: s.DNS}
	}
	if len(s.SecurityOpt) > 0 && passesNoNewPrivileges(in.api) {
		out.Privileges = &swarm.Privileges{NoNewPrivileges: true}
	}
	if in.wrap != nil {
		in.wrap(out)
	}
	return out
}

// passesNoNewPrivileges tells whether Swarm takes that option, which is the only
// one of security_opt that is accepted.
func passesNoNewPrivileges(api string) bool {
	return versions.GreaterThanOrEqualTo(api, apiNoNewPrivileges)
}

// literal keeps Swarm from reading a text as a template, which it does where it may
// fill in a node's or a replica's name.
func literal(text string) string { return strings.ReplaceAll(text, "{{", `{{"{{"}}`) }

func literals(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = literal(text)
	}
	return out
}

// health looks often where the engine cannot look more often at first: there the
// first look comes only after a whole interval.
func health(h *container.HealthConfig, api string) *container.HealthConfig {
	if h == nil || len(h.Test) > 0 && h.Test[0] == "NONE" || versions.GreaterThanOrEqualTo(api, apiStartInterval) {
		return h
	}
	often := *h
	if often.Interval == 0 || often.Interval > oldInterval {
		often.Interval = oldInterval
	}
	return &often
}

// mounts are those of engine docker. Swarm knows no size of /dev/shm: it is a tmpfs
// of its own there.
func mounts(s *stack.Service) []mount.Mount {
	out := docker.Mounts(s.Mounts)
	for i := range out {
		out[i].Source, out[i].Target = literal(out[i].Source), literal(out[i].Target)
	}
	if s.ShmSize > 0 {
		out = append(out, mount.Mount{Type: mount.TypeTmpfs, Target: "/dev/shm", TmpfsOptions: &mount.TmpfsOptions{SizeBytes: s.ShmSize, Mode: 0o1777}})
	}
	return out
}

// hosts turns "name:ip" into the form of the file /etc/hosts.
func hosts(extra []string) []string {
	var out []string
	for _, h := range extra {
		if name, ip, found := strings.Cut(h, ":"); found {
			out = append(out, ip+" "+name)
		}
	}
	return out
}

// resources reserves no more than a service asks for itself: a limit is none.
func resources(r stack.Resources) *swarm.ResourceRequirements {
	return &swarm.ResourceRequirements{
		Limits:       &swarm.Limit{NanoCPUs: int64(r.CPUs*1e9 + 0.5), MemoryBytes: r.Memory, Pids: r.PIDs},
		Reservations: &swarm.Resources{MemoryBytes: r.MemoryReservation},
	}
}

func restartPolicy(s *stack.Service) *swarm.RestartPolicy {
	delay := retryDelay
	p := &swarm.RestartPolicy{Condition: swarm.RestartPolicyConditionAny, Delay: &delay}
	name, attempts, _ := strings.Cut(s.Restart, ":")
	switch {
	case s.Task != nil, name == "", name == string(container.RestartPolicyDisabled):
		p.Condition = swarm.RestartPolicyConditionNone
	case name == string(container.RestartPolicyOnFailure):
		p.Condition = swarm.RestartPolicyConditionOnFailure
		if n, err := strconv.Atoi(attempts); err == nil {
			p.MaxAttempts = count(n)
		}
	}
	return p
}

// constraints are the portal's, and what a service of that kind needs.
func constraints(st *stack.Stack, s *stack.Service) []string {
	out := slices.Clone(st.Constraints)
	if talkedTo(st, s) {
		out = append(out, onManagers)
	}
	return out
}

// talkedTo tells whether the provider runs commands in the service's containers.
func talkedTo(st *stack.Stack, s *stack.Service) bool {
	return st.Ingress != nil && st.Ingress.Service == s.Name
}

func networks(st *stack.Stack, s *stack.Service, ids map[string]string) []swarm.NetworkAttachmentConfig {
	var out []swarm.NetworkAttachmentConfig
	for _, name := range docker.NetworkNames(s) {
		aliases := s.Networks[name]
		if st.Networks[name].Gateway == "" && !slices.Contains(aliases, s.Name) {
			aliases = append([]string{s.Name}, aliases...)
		}
		out = append(out, swarm.NetworkAttachmentConfig{Target: ids[name], Aliases: aliases})
	}
	return out
}

func logDriver(s *stack.Service) *swarm.Driver {
	if s.LogDriver == "" {
		return nil
	}
	return &swarm.Driver{Name: s.LogDriver, Options: s.LogOptions}
}

// ports are published by the node that runs the container: the way of all others
// needs IPVS, and hides who a visitor is.
func ports(list []stack.Port) []swarm.PortConfig {
	var out []swarm.PortConfig
	for _, p := range list {
		protocol := swarm.PortConfigProtocolTCP
		if p.Protocol == "udp" {
			protocol = swarm.PortConfigProtocolUDP
		}
		out = append(out, swarm.PortConfig{
			Protocol: protocol, TargetPort: uint32(p.Container), PublishedPort: uint32(p.Host), //nolint:gosec // ports
			PublishMode: swarm.PortConfigPublishModeHost,
		})
	}
	return out
}

// updateConfig replaces one replica after the other. Its orders are called as the
// domain's.
func updateConfig(s *stack.Service, onFailure string) *swarm.UpdateConfig {
	return &swarm.UpdateConfig{Parallelism: 1, FailureAction: onFailure, Monitor: monitor, Order: string(stack.OrderOf(s))}
}

// allAddresses tells whether a port is to be published on all addresses of a node.
func allAddresses(p stack.Port) bool {
	ip := net.ParseIP(p.HostIP)
	return p.HostIP == "" || ip != nil && ip.IsUnspecified()
}
