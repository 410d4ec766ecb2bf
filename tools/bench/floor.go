// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"golang.org/x/sync/errgroup"
)

// floor does the work by the fewest calls that do it: the least it can cost.
type floor struct {
	workload
	docker   *docker
	parallel int
}

func (f *floor) name() string { return fmt.Sprintf("raw Docker API, %d in parallel", f.parallel) }

// through sends what follows to the engine at this socket.
func (f *floor) through(socket string, _ bool) { f.docker = f.docker.through(socket) }

func (f *floor) project(id string) string { return f.run + "-floor-" + id }

// prepare makes the directories that bind mounts need.
func (f *floor) prepare(_ context.Context, id string) error {
	return makeBinds(f.workload, f.project(id))
}

func makeBinds(w workload, project string) error {
	for s := range services {
		for m := range mounts {
			if err := os.MkdirAll(w.bindSource(project, s, m), 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *floor) create(ctx context.Context, id string) error {
	project := f.project(id)
	network := map[string]any{
		"Name": project, "Driver": "bridge", "CheckDuplicate": true,
		"IPAM":   map[string]any{"Config": []map[string]string{{"Subnet": f.subnets.next()}}},
		"Labels": map[string]string{label: f.run},
	}
	if err := f.docker.call(ctx, http.MethodPost, "/networks/create", network, nil); err != nil {
		return err
	}
	return inParallel(f.parallel, services, func(i int) error {
		name := fmt.Sprintf("%s-%s-1", project, serviceName(i))
		if err := f.docker.call(ctx, http.MethodPost, "/containers/create?name="+name, f.body(project, i), nil); err != nil {
			return err
		}
		return f.docker.call(ctx, http.MethodPost, "/containers/"+name+"/start", nil, nil)
	})
}

// body is the create call's.
func (f *floor) body(project string, service int) map[string]any {
	var binds []map[string]string
	for m := range mounts {
		binds = append(binds, map[string]string{
			"Type": "bind", "Source": f.bindSource(project, service, m), "Target": mountTarget(m),
		})
	}
	return map[string]any{
		"Image":       f.image,
		"Env":         f.environment(service),
		"Labels":      f.labels(),
		"StopTimeout": stopSecond,
		"HostConfig": map[string]any{
			"Mounts":        binds,
			"NetworkMode":   project,
			"RestartPolicy": map[string]string{"Name": "unless-stopped"},
		},
	}
}

// read is the floor's no-op: one list call, and an inspect of each container.
func (f *floor) read(ctx context.Context, _ string) error {
	all, err := f.docker.list(ctx, f.run)
	if err != nil {
		return err
	}
	return inParallel(f.parallel, len(all), func(i int) error {
		var details struct{ State struct{ Running bool } }
		return f.docker.call(ctx, http.MethodGet, "/containers/"+all[i].ID+"/json", nil, &details)
	})
}

// mostStops is how many containers end side by side at most: Docker 20.10 was
// seen to lock up in its network part with 23, and more than 8 gain nothing.
const mostStops = 8

func (f *floor) destroy(ctx context.Context, id string) error {
	project := f.project(id)
	err := inParallel(min(f.parallel, mostStops), services, func(i int) error {
		path := fmt.Sprintf("/containers/%s-%s-1", project, serviceName(i))
		if err := f.docker.call(ctx, http.MethodPost, path+"/stop", nil, nil); err != nil {
			return err
		}
		return f.docker.call(ctx, http.MethodDelete, path, nil, nil)
	})
	if err != nil {
		return err
	}
	return f.docker.call(ctx, http.MethodDelete, "/networks/"+project, nil, nil)
}

// inParallel calls do for 0 to n-1, at most limit at a time, until one fails.
func inParallel(limit, n int, do func(i int) error) error {
	var group errgroup.Group
	group.SetLimit(limit)
	for i := range n {
		group.Go(func() error { return do(i) })
	}
	return group.Wait()
}
