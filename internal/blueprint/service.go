// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// What a service gets where the Compose file says nothing.
const (
	defaultRestart       = "unless-stopped"
	defaultStopGrace     = 10 * time.Second
	defaultPIDs          = 4096
	defaultLogDriver     = "json-file"
	defaultInterval      = 30 * time.Second
	defaultTimeout       = 10 * time.Second
	defaultRetries       = 3
	defaultStartPeriod   = 120 * time.Second
	defaultStartInterval = 2 * time.Second
	noNewPrivileges      = "no-new-privileges:true"
)

func defaultLogOptions() map[string]string {
	return map[string]string{"max-size": "10m", "max-file": "3"}
}

// maxRetries is the most failures of a health check that make a service ill.
const maxRetries = 1000

// minMemory is the least that Docker takes, in bytes.
const minMemory = 6 << 20

// translateService adds one service of the Compose file to the stack.
func (b *builder) translateService(c types.ServiceConfig) {
	x := b.extensions[c.Name]
	s := &stack.Service{
		Name:        c.Name,
		Task:        x.task,
		Role:        x.role,
		Image:       c.Image,
		Entrypoint:  c.Entrypoint,
		Command:     c.Command,
		User:        c.User,
		WorkingDir:  c.WorkingDir,
		Hostname:    c.Hostname,
		ExtraHosts:  c.ExtraHosts.AsList(":"),
		DNS:         c.DNS,
		StopSignal:  c.StopSignal,
		StopGrace:   defaultStopGrace,
		Init:        c.Init == nil || *c.Init,
		ReadOnly:    c.ReadOnly,
		TTY:         c.Tty,
		StdinOpen:   c.StdinOpen,
		CapDrop:     c.CapDrop,
		GroupAdd:    c.GroupAdd,
		Sysctls:     c.Sysctls,
		ShmSize:     int64(c.ShmSize),
		LogDriver:   defaultLogDriver,
		LogOptions:  defaultLogOptions(),
		RestartOn:   x.restartOn,
		Routes:      x.routes,
		Healthcheck: b.healthcheck(c),
	}
	slices.Sort(s.ExtraHosts)
	if c.StopGracePeriod != nil {
		s.StopGrace = time.Duration(*c.StopGracePeriod)
	}
	if c.Logging != nil {
		s.LogDriver, s.LogOptions = c.Logging.Driver, c.Logging.Options
		if s.LogDriver == "" {
			s.LogDriver = defaultLogDriver
		}
	}
	if len(c.Ulimits) > 0 {
		s.Ulimits = map[string]stack.Ulimit{}
	}
	for name, u := range c.Ulimits {
		if u.Single != 0 {
			s.Ulimits[name] = stack.Ulimit{Soft: int64(u.Single), Hard: int64(u.Single)}
		} else {
			s.Ulimits[name] = stack.Ulimit{Soft: int64(u.Soft), Hard: int64(u.Hard)}
		}
	}
	b.translateValues(c)
	s.Labels = b.labels(c)
	s.CapAdd = b.capabilities(c)
	s.SecurityOpt = b.securityOptions(c)
	s.Environment = b.environment(c)
	s.Resources = b.resources(c)
	s.Replicas = c.GetScale()
	s.Restart = b.restart(c, s.Task != nil)
	s.Update = b.updateOrder(c)
	s.Ports = b.ports(c)
	s.Networks = b.networks(c)
	s.Mounts = b.mounts(c)
	s.DependsOn = b.conditions(c)
	s.Lease = b.lease(c, x)
	b.tune(s, x)
	b.checkReplicas(s, x)
	b.stack.Services[s.Name] = s
}

// translateValues refuses values of supported attributes that cannot be had.
func (b *builder) translateValues(c types.ServiceConfig) {
	at := "services." + c.Name
	switch c.PullPolicy {
	case "", types.PullPolicyMissing, types.PullPolicyIfNotPresent:
	default:
		b.refuse(at+".pull_policy", "%q is not supported: an image is pulled when it is not there; name another tag to have another image", c.PullPolicy)
	}
	if d := c.Deploy; d != nil {
		switch d.Mode {
		case "", "replicated":
		default:
			b.refuse(at+".deploy.mode", "%q is not supported: use replicated, or `x-portal: {task: deploy}` for a job", d.Mode)
		}
	}
	if c.StopGracePeriod != nil && *c.StopGracePeriod < 0 {
		b.refuse(at+".stop_grace_period", "it must not be negative")
	}
}

func (b *builder) labels(c types.ServiceConfig) map[string]string {
	for _, name := range sortedKeys(c.Labels) {
		if strings.HasPrefix(name, "com.docker.compose.") || strings.HasPrefix(name, "io.privateportals.") {
			b.refuse("services."+c.Name+".labels."+name, "labels that begin with com.docker.compose. and io.privateportals. are the provider's own: choose another name")
		}
	}
	return c.Labels
}

// allowedCapabilities are Docker's default ones, and those that give a
// container power over itself alone. "ALL" and the like are not among them.
var allowedCapabilities = strings.Fields(`AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID IPC_LOCK KILL MKNOD
	NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT SYS_NICE`)

func (b *builder) capabilities(c types.ServiceConfig) []string {
	for _, name := range c.CapAdd {
		if !slices.Contains(allowedCapabilities, strings.TrimPrefix(strings.ToUpper(name), "CAP_")) {
			b.refuse("services."+c.Name+".cap_add", "%s would give the container power over the host or its network; allowed are %s", name, strings.Join(allowedCapabilities, ", "))
		}
	}
	return c.CapAdd
}

// securityOptions adds no-new-privileges unless the file says something of it.
func (b *builder) securityOptions(c types.ServiceConfig) []string {
	options, said := []string{}, false
	for _, option := range c.SecurityOpt {
		name, value, _ := strings.Cut(strings.Replace(option, "=", ":", 1), ":")
		if name != "no-new-privileges" || !slices.Contains([]string{"", "true", "false"}, value) {
			b.refuse("services."+c.Name+".security_opt", "%q is not supported: the host's own protection stays on; only no-new-privileges can be chosen", option)
			continue
		}
		said = true
		if value != "false" {
			options = append(options, noNewPrivileges)
		}
	}
	if !said {
		options = append(options, noNewPrivileges)
	}
	return options
}

func (b *builder) healthcheck(c types.ServiceConfig) *stack.Healthcheck {
	h := c.HealthCheck
	if h == nil {
		return nil
	}
	if h.Disable || len(h.Test) > 0 && h.Test[0] == "NONE" {
		return &stack.Healthcheck{Test: []string{"NONE"}}
	}
	if len(h.Test) < 2 || h.Test[0] != "CMD" && h.Test[0] != "CMD-SHELL" {
		b.refuse("services."+c.Name+".healthcheck.test", "it must be a text, or a list that begins with CMD or CMD-SHELL and goes on with the command")
		return nil
	}
	check := &stack.Healthcheck{
		Test:          h.Test,
		Interval:      orDuration(h.Interval, defaultInterval),
		Timeout:       orDuration(h.Timeout, defaultTimeout),
		StartPeriod:   orDuration(h.StartPeriod, defaultStartPeriod),
		StartInterval: orDuration(h.StartInterval, defaultStartInterval),
		Retries:       defaultRetries,
	}
	if h.Retries != nil {
		if *h.Retries == 0 || *h.Retries > maxRetries {
			b.refuse("services."+c.Name+".healthcheck.retries", "it must be between 1 and %d", maxRetries)
			return nil
		}
		check.Retries = int(*h.Retries)
	}
	for _, name := range shortTimes(check) {
		b.refuse("services."+c.Name+".healthcheck."+name, "it must be at least 1ms")
	}
	return check
}

// shortTimes names the times of a health check that are too short: Docker takes
// nothing between zero and a millisecond.
func shortTimes(h *stack.Healthcheck) []string {
	var short []string
	times := map[string]time.Duration{"interval": h.Interval, "timeout": h.Timeout, "start_period": h.StartPeriod, "start_interval": h.StartInterval}
	for _, name := range sortedKeys(times) {
		if d := times[name]; d < time.Millisecond && (name != "start_period" || d != 0) {
			short = append(short, name)
		}
	}
	return short
}

func orDuration(d *types.Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return time.Duration(*d)
}

// resources takes the limits from both places that Compose has for them.
func (b *builder) resources(c types.ServiceConfig) stack.Resources {
	r := stack.Resources{
		Memory: int64(c.MemLimit), MemoryReservation: int64(c.MemReservation), CPUs: decimal(c.CPUS), PIDs: c.PidsLimit,
	}
	at := "services." + c.Name + ".deploy.resources"
	if c.Deploy != nil {
		if l := c.Deploy.Resources.Limits; l != nil {
			merge(b, at+".limits.memory", "mem_limit", &r.Memory, int64(l.MemoryBytes))
			merge(b, at+".limits.cpus", "cpus", &r.CPUs, decimal(l.NanoCPUs.Value()))
			merge(b, at+".limits.pids", "pids_limit", &r.PIDs, l.Pids)
		}
		if l := c.Deploy.Resources.Reservations; l != nil {
			merge(b, at+".reservations.memory", "mem_reservation", &r.MemoryReservation, int64(l.MemoryBytes))
		}
	}
	switch r.PIDs {
	case -1: // Docker's and Compose's word for no limit
		r.PIDs = 0
	case 0:
		r.PIDs = defaultPIDs
	}
	if r.Memory < 0 || r.MemoryReservation < 0 || r.CPUs < 0 || r.PIDs < 0 {
		b.refuse("services."+c.Name, "a limit must not be negative")
	}
	if r.Memory != 0 && r.Memory < minMemory {
		b.refuse("services."+c.Name+".mem_limit", "it must be at least 6m, the least that Docker takes")
	}
	if r.Memory != 0 && r.MemoryReservation > r.Memory {
		b.refuse("services."+c.Name+".mem_reservation", "it must not be more than the limit")
	}
	return r
}

// merge sets a limit that Compose can say in two places.
func merge[T comparable](b *builder, at, other string, value *T, second T) {
	var zero T
	if *value != zero && second != zero && *value != second {
		b.refuse(at, "it differs from `%s`: keep one of them", other)
	}
	if second != zero {
		*value = second
	}
}

// decimal widens a number without the digits that a float32 does not have.
func decimal(f float32) float64 {
	d, _ := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64)
	return d
}

func (b *builder) restart(c types.ServiceConfig, task bool) string {
	at := "services." + c.Name + ".restart"
	policy := c.Restart
	if c.Deploy != nil && c.Deploy.RestartPolicy != nil {
		p := c.Deploy.RestartPolicy
		switch p.Condition {
		case "none":
			policy = "no"
		case "on-failure":
			policy = "on-failure"
			if p.MaxAttempts != nil {
				policy = fmt.Sprintf("on-failure:%d", *p.MaxAttempts)
			}
		case "any", "":
			policy = "always"
		default:
			b.refuse("services."+c.Name+".deploy.restart_policy.condition", "%q is not known; there are none, on-failure and any", p.Condition)
		}
	}
	if task {
		return "no"
	}
	name, count, counted := strings.Cut(policy, ":")
	_, err := strconv.ParseUint(count, 10, 31)
	switch {
	case policy == "":
		return defaultRestart
	case counted && (name != "on-failure" || err != nil), !slices.Contains([]string{"no", "always", "unless-stopped", "on-failure"}, name):
		b.refuse(at, "%q is not known; there are no, always, unless-stopped, on-failure and on-failure:<count>", policy)
	}
	return policy
}

// updateOrder is stop-first where the file says nothing, as it is in Compose.
func (b *builder) updateOrder(c types.ServiceConfig) stack.UpdateOrder {
	if c.Deploy == nil || c.Deploy.UpdateConfig == nil || c.Deploy.UpdateConfig.Order == "" {
		return stack.StopFirst
	}
	return stack.UpdateOrder(c.Deploy.UpdateConfig.Order)
}

func (b *builder) ports(c types.ServiceConfig) []stack.Port {
	var ports []stack.Port
	for _, p := range c.Ports {
		at := "services." + c.Name + ".ports"
		port := stack.Port{Container: int(p.Target), HostIP: p.HostIP, Protocol: p.Protocol}
		if port.Protocol == "" {
			port.Protocol = "tcp"
		}
		if port.Protocol != "tcp" && port.Protocol != "udp" {
			b.refuse(at, "protocol %q is not supported; there are tcp and udp", p.Protocol)
		}
		if p.Published != "" {
			n, err := strconv.ParseUint(p.Published, 10, 16)
			if err != nil {
				b.refuse(at, "%q is not one port between 0 and 65535; ranges are not supported, and 0 lets Docker choose", p.Published)
			}
			port.Host = int(n)
		}
		if port.Container < 1 || port.Container > 65535 {
			b.refuse(at, "%d is not a port between 1 and 65535", port.Container)
		}
		ports = append(ports, port)
	}
	return ports
}

// checkReplicas refuses a number of replicas that a service cannot have.
func (b *builder) checkReplicas(s *stack.Service, x serviceExtension) {
	tuned := b.spec.Services[s.Name].Replicas != nil
	wrong := func(format string, args ...any) {
		if tuned {
			b.problem("services."+s.Name+".replicas", "This number of replicas is not possible", format, args...)
		} else {
			b.refuse("services."+s.Name+".deploy.replicas", format, args...)
		}
	}
	published := slices.ContainsFunc(s.Ports, func(p stack.Port) bool { return p.Host != 0 })
	switch {
	case s.Replicas < 0:
		wrong("It must not be negative.")
	case s.Task != nil && s.Replicas != 1:
		wrong("%s is a task, which has one container: leave replicas out.", s.Name)
	case x.maxReplicas > 0 && s.Replicas > x.maxReplicas:
		wrong("%s can have at most %d, because its containers would share one data directory or port. Give it more memory or processors instead.", s.Name, x.maxReplicas)
	case published && s.Replicas > 1:
		wrong("%s publishes a fixed port of the host, which only one container can hold.", s.Name)
	}
}
