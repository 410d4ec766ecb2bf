// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"fmt"
	"time"
)

// fixture is a small stack with one of each kind: a database that must not run
// twice, a deploy task, a web service of two replicas, a load balancer with a
// fixed port, a manual task.
func fixture() *Stack {
	net := map[string][]string{"acme_default": nil}
	return &Stack{
		Portal: "acme", Directory: "/srv/portals/acme",
		Networks: map[string]Network{"acme_default": {Name: "acme_default"}},
		Services: map[string]*Service{
			"mysql": {Name: "mysql", Image: "mysql:8", Replicas: 1, Networks: net, Update: StopFirst},
			"migrate": {
				Name: "migrate", Image: "edxapp:1", Replicas: 1, Networks: net, Task: &Task{When: Deploy},
				DependsOn: map[string]Condition{"mysql": Healthy},
			},
			"lms": {
				Name: "lms", Image: "edxapp:1", Replicas: 2, Networks: net, Update: StartFirst,
				DependsOn: map[string]Condition{"mysql": Healthy, "migrate": Completed},
			},
			"lb": {
				Name: "lb", Image: "caddy:2", Replicas: 1, Networks: net, Update: StartFirst,
				Ports:     []Port{{Container: 8080, Host: 80, Protocol: "tcp"}},
				DependsOn: map[string]Condition{"lms": Started},
			},
			"backup": {Name: "backup", Image: "ops:1", Replicas: 1, Networks: net, Task: &Task{When: Manual}},
		},
	}
}

// settled is what is observed of a stack after a successful apply.
func settled(s *Stack) Observed {
	o := Observed{Portal: s.Portal, Host: "default"}
	for _, name := range sortedKeys(s.Services) {
		for n := 1; n <= s.Services[name].Replicas; n++ {
			o.Containers = append(o.Containers, settledContainer(s, name, n))
		}
	}
	o.Networks = sortedKeys(s.Networks)
	return o
}

func settledContainer(s *Stack, name string, n int) Container {
	svc := s.Services[name]
	settings := Settings{Resources: svc.Resources, Restart: svc.Restart}
	c := Container{
		ID: fmt.Sprintf("%s%d", name, n), Name: ContainerName(s.Portal, svc, n),
		Service: name, Number: n, Digest: Digest(svc), Image: svc.Image,
		State: Running, Health: HealthHealthy,
		Networks: sortedKeys(svc.Networks), IntendedNetworks: sortedKeys(svc.Networks),
		Settings: settings, IntendedSettings: settings,
		DependsOn: sortedKeys(svc.DependsOn),
		RestartOn: svc.RestartOn, Owner: s.Owner,
		StartedAt: time.Unix(1, 0),
	}
	if svc.Task != nil {
		c.Task, c.State, c.Health = svc.Task.When, Created, NoHealth
		if svc.Task.When == Deploy {
			c.State = Exited
		}
	}
	for _, p := range svc.Ports {
		c.Ports = map[string]int{fmt.Sprintf("%d/%s", p.Container, p.Protocol): p.Host}
	}
	return c
}

// find returns the container of that name for a test to change.
func (o *Observed) find(name string) *Container {
	for i := range o.Containers {
		if o.Containers[i].Name == name {
			return &o.Containers[i]
		}
	}
	panic("no container " + name)
}

func (o *Observed) drop(names ...string) {
	for _, name := range names {
		c := o.find(name)
		*c = o.Containers[len(o.Containers)-1]
		o.Containers = o.Containers[:len(o.Containers)-1]
	}
}
