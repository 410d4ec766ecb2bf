// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// What a member gets that takes after no service of the blueprint and says
// nothing of it itself; else it gets what services of a blueprint get.
const (
	memberMemory    = 512 << 20 // bytes
	memberStopGrace = 30 * time.Second
)

// Join makes the part of a portal's stack that a member is, as hard as the
// built-in blueprint makes its own. Base is the portal's own stack, the contents
// of its files not needed; others are the parts of other members, as far as they
// are known. None of them is changed, and nothing of them is shared with the
// result. An error is a Problems value with attributes of the member's resource.
func Join(base *stack.Stack, m stack.Member, others ...*stack.Stack) (*stack.Stack, error) {
	j := &joiner{base: base, member: m, others: others}
	for _, steps := range [][]func(*joiner){
		{(*joiner).checkName, (*joiner).begin},
		{(*joiner).overlay, (*joiner).limits, (*joiner).mount, (*joiner).schedule, (*joiner).attach},
		{(*joiner).replicate, (*joiner).depend, (*joiner).route, (*joiner).checkData},
	} {
		for _, step := range steps {
			step(j)
		}
		if len(j.problems) > 0 {
			return nil, j.problems.sorted()
		}
	}
	return j.part, nil
}

// joiner holds what the steps of one Join share.
type joiner struct {
	collector
	base   *stack.Stack
	member stack.Member
	others []*stack.Stack

	// from is the base's service that the member takes after, nil when it is
	// wholly its own.
	from *stack.Service
	// part is the result, and service all that is in it.
	part    *stack.Stack
	service *stack.Service
}

// begin makes the part, with what the member takes after.
func (j *joiner) begin() {
	m := j.member
	j.service = &stack.Service{
		StopGrace: memberStopGrace, Init: true, CapDrop: []string{"ALL"}, SecurityOpt: []string{noNewPrivileges},
		LogDriver: defaultLogDriver, LogOptions: defaultLogOptions(),
		Resources: stack.Resources{Memory: memberMemory, PIDs: defaultPIDs},
	}
	if m.From != "" {
		source, ok := j.base.Services[m.From]
		if !ok {
			j.problem("from", "There is no such service", "The portal %q has no service or task %q.%s", j.base.Portal, m.From, suggest(m.From, sortedKeys(j.base.Services)))
			return
		}
		if in := j.base.Ingress; in != nil && in.Service == m.From && m.Kind == stack.MemberService {
			j.problem("from", "There is one load balancer", "%s is the portal's load balancer, and only that one is told of routes. Give an image instead.", m.From)
		}
		j.from, j.service = source, clone(source)
		j.service.Lease = "" // the data that it is for stays the source's own
	}
	j.service.Name = m.Name
	j.part = &stack.Stack{
		Portal: j.base.Portal, Owner: m.Owner(), Directory: j.base.Directory, StorageID: j.base.StorageID, Constraints: j.base.Constraints,
		Services:    map[string]*stack.Service{m.Name: j.service},
		Networks:    map[string]stack.Network{},
		Secrets:     map[string]stack.Secret{},
		Directories: map[string]stack.Directory{},
		Files:       map[string]stack.File{},
	}
}

// clone copies a service with all that it points to.
func clone(s *stack.Service) *stack.Service {
	var c stack.Service
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		// Service holds only plain data: this cannot happen.
		panic(fmt.Sprintf("copy of service %s: %v", s.Name, err))
	}
	return &c
}

// overlay lays what the member says of its containers over what it takes after.
func (j *joiner) overlay() {
	m, s := j.member, j.service
	if m.Image != "" {
		j.checkImage("image", m.Image)
		s.Image, s.Role = m.Image, ""
	}
	if s.Image == "" {
		j.problem("image", "The image is missing", "Give the image of %s, or with `from` the service of the portal to take it from.", m.Name)
	}
	if len(m.Entrypoint) > 0 {
		// As with Docker, the former command was another entrypoint's.
		s.Entrypoint, s.Command = slices.Clone(m.Entrypoint), nil
	}
	if len(m.Command) > 0 {
		s.Command = slices.Clone(m.Command)
	}
	j.checkVariables("environment", m.Environment)
	if s.Environment == nil {
		s.Environment = map[string]string{}
	}
	maps.Copy(s.Environment, m.Environment)
	if m.User != "" {
		if _, ok := parseOwner(m.User); !ok {
			j.problem("user", "The user is not valid", "%q is not of the form \"uid\" or \"uid:gid\", in numbers: files on the shared drive get them as owner.", m.User)
		}
		s.User = m.User
	}
	if m.WorkingDir != "" {
		s.WorkingDir = m.WorkingDir
	}
	if _, ok := j.base.Services[s.Hostname]; ok {
		s.Hostname = m.Name // to one with the name of a service, that service is itself
	}
	s.Ports = nil // they are taken
	s.ReadOnly = s.ReadOnly || m.ReadOnly
}

// limits sets the health check, the resources and the time to stop.
func (j *joiner) limits() {
	m, s := j.member, j.service
	if m.Kind != stack.MemberService {
		s.Healthcheck = nil
	}
	if m.Healthcheck != nil {
		s.Healthcheck = j.healthcheck(*m.Healthcheck)
	}
	r := &s.Resources
	j.checkMemory("memory", m.Resources.Memory)
	j.checkCPUs("cpus", m.Resources.CPUs)
	if m.Resources.PIDs < 0 {
		j.problem("pids", "The limit of processes is not valid", "It must not be negative.")
	}
	setIf(&r.Memory, m.Resources.Memory)
	setIf(&r.MemoryReservation, m.Resources.MemoryReservation)
	setIf(&r.CPUs, m.Resources.CPUs)
	setIf(&r.PIDs, m.Resources.PIDs)
	if r.Memory != 0 {
		// A reservation above the limit would be refused by Docker.
		r.MemoryReservation = min(r.MemoryReservation, r.Memory)
	}
	if m.StopGrace < 0 {
		j.problem("stop_grace", "The time to stop is not valid", "It must not be negative.")
	}
	setIf(&s.StopGrace, m.StopGrace)
}

func setIf[T comparable](value *T, other T) {
	var zero T
	if other != zero {
		*value = other
	}
}

// healthcheck fills in what a member's check leaves out.
func (j *joiner) healthcheck(h stack.Healthcheck) *stack.Healthcheck {
	if h.Disabled() {
		return &stack.Healthcheck{Test: []string{"NONE"}}
	}
	if len(h.Test) < 2 || h.Test[0] != "CMD" && h.Test[0] != "CMD-SHELL" {
		j.problem("healthcheck.test", "The health check is not valid", "Its test must begin with CMD or CMD-SHELL and go on with the command, or be NONE.")
	}
	check := stack.Healthcheck{
		Test: slices.Clone(h.Test), Interval: defaultInterval, Timeout: defaultTimeout,
		StartPeriod: defaultStartPeriod, StartInterval: defaultStartInterval, Retries: defaultRetries,
	}
	setIf(&check.Interval, h.Interval)
	setIf(&check.Timeout, h.Timeout)
	setIf(&check.StartPeriod, h.StartPeriod)
	setIf(&check.StartInterval, h.StartInterval)
	setIf(&check.Retries, h.Retries)
	for _, name := range shortTimes(&check) {
		j.problem("healthcheck."+name, "The time is too short", "It must be at least 1ms.")
	}
	if check.Retries < 1 || check.Retries > maxRetries {
		j.problem("healthcheck.retries", "The number of retries is not valid", "It must be between 1 and %d.", maxRetries)
	}
	return &check
}

// schedule makes the member a task, or a service.
func (j *joiner) schedule() {
	m, s := j.member, j.service
	if m.Kind == stack.MemberService {
		s.Task, s.Restart = nil, j.restart()
		for _, what := range m.RestartOn {
			if what != stack.RestartOnOverrides {
				j.problem("restart_on_override", "The service cannot be restarted on this", "%q is not known; there is %q.", what, stack.RestartOnOverrides)
			}
		}
		if all := slices.Concat(s.RestartOn, m.RestartOn); len(all) > 0 {
			s.RestartOn = unique(all)
		}
		return
	}
	if len(m.RunOn) > 0 && m.Schedule != "" {
		j.problem("run_on", "A task is run by one thing", "It runs at an apply, or by the clock: leave run_on or the schedule out.")
	}
	if m.Timeout < 0 {
		j.problem("timeout", "The time to run is not valid", "It must not be negative.")
	}
	task := &stack.Task{When: stack.Manual, Timeout: m.Timeout, Schedule: m.Schedule}
	if s.Task != nil && task.Timeout == 0 {
		task.Timeout = s.Task.Timeout
	}
	switch {
	case len(m.RunOn) > 0:
		task.When, task.RunOn = stack.Deploy, maps.Clone(m.RunOn)
	case m.Schedule != "":
		task.When = stack.Scheduled
	}
	s.Task, s.Restart, s.RestartOn = task, "no", nil
}

// restart is the service's that the member takes after.
func (j *joiner) restart() string {
	if j.from == nil || j.from.Task != nil {
		return defaultRestart
	}
	return j.from.Restart
}

// describe names a service with the part that it belongs to.
func describe(part *stack.Stack, name string) string {
	return fmt.Sprintf("%s of %s", name, stack.OwnerText(part.Owner))
}

// relative is the path of a mount's source in the portal's directory.
func (j *joiner) relative(m stack.Mount) (string, bool) {
	return strings.CutPrefix(m.Source, j.base.Directory+"/")
}
