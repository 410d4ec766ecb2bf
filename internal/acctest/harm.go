// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// What people and programs do to containers behind Terraform's back.

// Remove removes a container of the portal, whatever it does.
func (p *Portal) Remove(t *testing.T, member string) {
	t.Helper()
	must(t, p.Docker.ContainerRemove(enginetest.Context(t), p.Container(member), container.RemoveOptions{Force: true}))
}

// Stop stops a container of the portal.
func (p *Portal) Stop(t *testing.T, member string) {
	t.Helper()
	must(t, p.Docker.ContainerStop(enginetest.Context(t), p.Container(member), container.StopOptions{}))
}

// Pause freezes a container of the portal.
func (p *Portal) Pause(t *testing.T, member string) {
	t.Helper()
	must(t, p.Docker.ContainerPause(enginetest.Context(t), p.Container(member)))
}

// SetMemory gives a container of the portal another limit, in bytes.
func (p *Portal) SetMemory(t *testing.T, member string, bytes int64) {
	t.Helper()
	_, err := p.Docker.ContainerUpdate(enginetest.Context(t), p.Container(member), container.UpdateConfig{
		Resources: container.Resources{Memory: bytes, MemorySwap: bytes},
	})
	must(t, err)
}

// SetRestartPolicy gives a container of the portal another restart policy.
func (p *Portal) SetRestartPolicy(t *testing.T, member, policy string) {
	t.Helper()
	_, err := p.Docker.ContainerUpdate(enginetest.Context(t), p.Container(member), container.UpdateConfig{
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyMode(policy)},
	})
	must(t, err)
}

// Detach takes containers of the portal off its network.
func (p *Portal) Detach(t *testing.T, members ...string) {
	t.Helper()
	for _, member := range members {
		must(t, p.Docker.NetworkDisconnect(enginetest.Context(t), p.network(), p.Container(member), true))
	}
}

// Attach puts a container of the portal on another network.
func (p *Portal) Attach(t *testing.T, member, network string) {
	t.Helper()
	must(t, p.Docker.NetworkConnect(enginetest.Context(t), network, p.Container(member), nil))
}

// OtherNetwork makes a network that is none of the portal's. It is removed when
// the test ends.
func (p *Portal) OtherNetwork(t *testing.T) string {
	t.Helper()
	name := p.Name + "-other"
	made, err := p.Docker.NetworkCreate(enginetest.Context(t), name, network.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.Docker.NetworkRemove(ctx, made.ID); err != nil {
			t.Errorf("remove network %s: %v", name, err)
		}
	})
	return name
}

// RemoveNetwork removes the portal's network; nothing may be on it.
func (p *Portal) RemoveNetwork(t *testing.T) {
	t.Helper()
	must(t, p.Docker.NetworkRemove(enginetest.Context(t), p.network()))
}

func (p *Portal) network() string { return p.Name + "_default" }

// Foreign starts a container that is none of the portal's under the name of
// one of its members, or any other name with the portal's prefix. With publish
// it also holds a port of the host, which Foreign returns. What bears its name
// or its id in the name is removed when the test ends.
func (p *Portal) Foreign(t *testing.T, member string, publish bool) (port string) {
	t.Helper()
	config := &container.Config{Image: enginetest.ImageName}
	host := &container.HostConfig{NetworkMode: container.NetworkMode(p.OtherNetwork(t))}
	const inside = nat.Port("80/tcp")
	if publish {
		config.ExposedPorts = nat.PortSet{inside: {}}
		host.PortBindings = nat.PortMap{inside: {{}}}
	}
	ctx := enginetest.Context(t)
	made, err := p.Docker.ContainerCreate(ctx, config, host, &network.NetworkingConfig{}, nil, p.Container(member))
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.Docker.ContainerRemove(ctx, made.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Errorf("remove the foreign container: %v", err)
		}
	})
	must(t, p.Docker.ContainerStart(ctx, made.ID, container.StartOptions{}))
	if !publish {
		return ""
	}
	bindings := p.Inspect(t, member).NetworkSettings.Ports[inside]
	if len(bindings) == 0 {
		t.Fatal("the foreign container publishes no port")
	}
	return bindings[0].HostPort
}

// Image makes a variant of the test image for this portal alone; changes are
// Dockerfile instructions. The same tag again names another image afterwards.
// It is removed when the test ends.
func (p *Portal) Image(t *testing.T, tag string, changes ...string) (reference string) {
	t.Helper()
	reference = fmt.Sprintf("portal-test/%s:%s", p.Name, tag)
	enginetest.ImportImage(t, p.Docker, reference, changes...)
	made, err := p.Docker.ImageInspect(enginetest.Context(t), reference)
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := p.Docker.ImageRemove(ctx, made.ID, image.RemoveOptions{Force: true}); err != nil {
			t.Errorf("remove image %s: %v", reference, err)
		}
	})
	return reference
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
