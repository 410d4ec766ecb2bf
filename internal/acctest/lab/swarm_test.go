// SPDX-License-Identifier: MPL-2.0

//go:build lab

package lab_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/swarm"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// TestLabSwarm runs beside TestLab: two labs do not meet. Containers of a
// service on three hosts reach each other.
func TestLabSwarm(t *testing.T) {
	t.Parallel()
	l := start(t, lab.Options{Managers: 2})
	first := l.Hosts[0].Docker()
	nodes, err := first.NodeList(t.Context(), swarm.NodeListOptions{})
	must(t, err)
	var there []string
	for _, n := range nodes {
		there = append(there, strings.Join([]string{n.Description.Hostname, string(n.Spec.Role), string(n.Status.State), n.Status.Addr}, " "))
	}
	slices.Sort(there)
	want := []string{
		"h1 manager ready " + l.Hosts[0].Address, "h2 manager ready " + l.Hosts[1].Address, "h3 worker ready " + l.Hosts[2].Address,
	}
	if !slices.Equal(there, want) {
		t.Errorf("nodes: %v", there)
	}

	const name = "web"
	_, err = first.NetworkCreate(t.Context(), name, network.CreateOptions{Driver: "overlay", Attachable: true})
	must(t, err)
	_, err = first.ServiceCreate(t.Context(), swarm.ServiceSpec{
		Annotations: swarm.Annotations{Name: name},
		Mode:        swarm.ServiceMode{Global: &swarm.GlobalService{}},
		TaskTemplate: swarm.TaskSpec{
			ContainerSpec: &swarm.ContainerSpec{
				Image: enginetest.ImageName, Hostname: "{{.Node.Hostname}}",
				Command: []string{"sh", "-c", "hostname >/tmp/index.html; exec httpd -f -h /tmp"},
			},
			Networks: []swarm.NetworkAttachmentConfig{{Target: name}},
		},
		EndpointSpec: &swarm.EndpointSpec{Mode: swarm.ResolutionModeDNSRR},
	}, swarm.ServiceCreateOptions{})
	must(t, err)
	var tasks []swarm.Task
	eventually(t, "a container of the service runs on each host", func() bool {
		tasks, err = first.TaskList(t.Context(), swarm.TaskListOptions{Filters: filters.NewArgs(filters.Arg("service", name))})
		must(t, err)
		return len(tasks) == len(l.Hosts) && !slices.ContainsFunc(tasks, func(x swarm.Task) bool { return x.Status.State != swarm.TaskStateRunning })
	})
	last := l.Hosts[2]
	own := tasks[slices.IndexFunc(tasks, func(x swarm.Task) bool {
		return x.NodeID == nodes[slices.IndexFunc(nodes, func(n swarm.Node) bool { return n.Description.Hostname == last.Name })].ID
	})].Status.ContainerStatus.ContainerID
	var pages []string
	for _, x := range tasks {
		ip, _, _ := strings.Cut(x.NetworksAttachments[0].Addresses[0], "/")
		var page string
		eventually(t, "a page of "+ip+" reaches "+last.Name, func() bool {
			page, err = last.Run(t.Context(), "docker", "-H", "unix:///var/run/docker.sock", "exec", own, "wget", "-qO-", "http://"+ip+"/")
			return err == nil
		})
		pages = append(pages, strings.TrimSpace(page))
	}
	slices.Sort(pages)
	if !slices.Equal(pages, []string{"h1", "h2", "h3"}) {
		t.Errorf("the containers of the service showed %v", pages)
	}
}
