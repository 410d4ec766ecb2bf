// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// parallelInspects is how many containers of a portal are read at a time.
const parallelInspects = 10

// Observe implements engine.Engine.
func (e *Engine) Observe(ctx context.Context, portal string) (stack.Observed, error) {
	o, err := e.observe(ctx, portal, e.freshList)
	if err != nil {
		return stack.Observed{}, err
	}
	o.Networks, err = portalNetworks(ctx, e.residence(o.Host), portal)
	return o, err
}

// freshList asks a host for all that concerns a portal where it is, or may be; of
// the others of many hosts it asks for the portal's containers alone.
func (e *Engine) freshList(ctx context.Context, h *pool.Host, portal string) ([]pool.Container, error) {
	if len(e.pool.Hosts()) == 1 || e.pool.Settled(portal) == h {
		return h.FreshPortal(ctx, portal)
	}
	return h.FreshResident(ctx, portal)
}

// knownList is what is known of a host by now.
func knownList(ctx context.Context, h *pool.Host, portal string) ([]pool.Container, error) {
	return h.Portal(ctx, portal)
}

// ObserveShared implements engine.Engine.
func (e *Engine) ObserveShared(ctx context.Context, portal string) (stack.Observed, error) {
	return e.observe(ctx, portal, knownList)
}

// observe reads a portal on the hosts that have it, or finds that none has: a
// list of each host, and an inspect of each of the portal's containers.
func (e *Engine) observe(ctx context.Context, portal string, list func(context.Context, *pool.Host, string) ([]pool.Container, error)) (stack.Observed, error) {
	homes, silent, err := e.pool.Homes(ctx, portal, func(h *pool.Host, ctx context.Context) ([]pool.Container, error) {
		all, err := list(ctx, h, portal)
		if err != nil {
			err = fail(h, "list the containers", engine.Error{Portal: portal}, err)
		}
		return all, err
	})
	if err != nil {
		return stack.Observed{}, err
	}
	settled := ""
	if h := e.pool.Settled(portal); h != nil {
		settled = h.Name
		if !slices.Contains(homes, h) {
			homes = append(homes, h) // for who holds its names there
		}
	}
	nobody := len(homes) == 0
	if nobody {
		homes = e.pool.Hosts()
	}
	found := make([]stack.Observed, len(homes))
	for i, h := range homes {
		if found[i], err = observeOn(ctx, h, portal); err != nil {
			return stack.Observed{}, err
		}
	}
	if nobody {
		return stack.Nowhere(portal, found), nil
	}
	o := stack.Residence(settled, found)
	for _, h := range silent {
		o.Silent = append(o.Silent, h.Name)
	}
	if len(o.Containers) > 0 {
		return o, e.pool.Seen(portal, o.Host)
	}
	return o, nil
}

// observeOn reads what of a portal is on a host, from the list of a moment ago.
func observeOn(ctx context.Context, h *pool.Host, portal string) (stack.Observed, error) {
	o := stack.Observed{Portal: portal, Host: h.Name}
	all, err := h.Portal(ctx, portal)
	if err != nil {
		return stack.Observed{}, fail(h, "list the containers", engine.Error{Portal: portal}, err)
	}
	ours, foreign := sortOut(portal, all)
	if o.Containers, err = readContainers(ctx, h, portal, ours); err != nil {
		return stack.Observed{}, err
	}
	o.Foreign = foreign
	sort.Slice(o.Containers, func(i, j int) bool { return o.Containers[i].Name < o.Containers[j].Name })
	sort.Slice(o.Foreign, func(i, j int) bool { return o.Foreign[i].Name < o.Foreign[j].Name })
	return o, nil
}

// sortOut picks a portal's containers, and those of others that hold a name
// which begins like the portal's names.
func sortOut(portal string, all []pool.Container) (ours []pool.Container, foreign []stack.Foreign) {
	for _, c := range all {
		switch {
		case c.Labels[pool.LabelPortal] == portal:
			ours = append(ours, c)
		case strings.HasPrefix(c.Name, portal+"-"):
			networks := append([]string(nil), c.Networks...)
			sort.Strings(networks)
			foreign = append(foreign, stack.Foreign{
				ID: c.ID, Name: c.Name, Image: c.Image, Networks: networks,
				Running: c.State != string(stack.Exited) && c.State != string(stack.Created) && c.State != string(stack.Dead),
			})
		}
	}
	return ours, foreign
}

// readContainers inspects containers, some at a time. One that vanished after
// the list is left out.
func readContainers(ctx context.Context, h *pool.Host, portal string, listed []pool.Container) ([]stack.Container, error) {
	c, err := h.Client(ctx)
	if err != nil {
		return nil, fail(h, "reach the host", engine.Error{Portal: portal}, err)
	}
	read := make([]*stack.Container, len(listed))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelInspects)
	for i, l := range listed {
		g.Go(func() error {
			r, err := inspect(gctx, c, l.ID)
			if cerrdefs.IsNotFound(err) {
				return nil
			}
			if err != nil {
				return fail(h, "inspect", engine.Error{Portal: portal, Container: l.Name}, err)
			}
			read[i] = containerOf(r)
			read[i].ImageMoved, err = imageMoved(gctx, c, l, r)
			if err != nil {
				return fail(h, "inspect the image of", engine.Error{Portal: portal, Container: l.Name}, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := make([]stack.Container, 0, len(read))
	for _, r := range read {
		if r != nil {
			out = append(out, *r)
		}
	}
	return out, nil
}

// inspect reads one container, by id or name.
func inspect(ctx context.Context, c *client.Client, ref string) (r container.InspectResponse, err error) {
	err = pool.Retry(ctx, func() error {
		r, err = c.ContainerInspect(ctx, ref)
		return err
	})
	return r, err
}

// imageMoved tells whether the reference that a container was made from names
// another image now. The list shows the bare id of the image in that case, but
// also when the reference names none any more; only then the image is asked.
func imageMoved(ctx context.Context, c *client.Client, l pool.Container, r container.InspectResponse) (bool, error) {
	if r.Config.Image == l.ImageID || l.Image != l.ImageID {
		return false, nil
	}
	id, err := imageID(ctx, c, r.Config.Image)
	return id != "" && id != r.Image, err
}

// containerOf puts what was read into the domain's terms.
func containerOf(r container.InspectResponse) *stack.Container {
	number, err := strconv.Atoi(r.Config.Labels[pool.LabelNumber])
	if err != nil {
		number = 1
	}
	out := &stack.Container{
		ID: r.ID, Name: strings.TrimPrefix(r.Name, "/"),
		Service: r.Config.Labels[pool.LabelService], Owner: r.Config.Labels[pool.LabelOwner], Number: number,
		Digest: r.Config.Labels[pool.LabelDigest], Task: stack.TaskWhen(r.Config.Labels[pool.LabelTask]),
		Image:     r.Config.Image,
		State:     stack.State(r.State.Status),
		Health:    healthOf(r.State),
		ExitCode:  r.State.ExitCode,
		StartedAt: parseTime(r.State.StartedAt), FinishedAt: parseTime(r.State.FinishedAt),
		Networks:  attachedNetworks(r.NetworkSettings),
		Settings:  settingsOf(r.HostConfig),
		StorageID: r.Config.Labels[pool.LabelStorage],
		DependsOn: ParseDependsOn(r.Config.Labels[pool.LabelDependsOn]),
		RestartOn: SplitList(r.Config.Labels[pool.LabelRestartOn]),
		Mounts:    mountSources(r.HostConfig),
		Ports:     publishedPorts(r.NetworkSettings),
	}
	// A container without the label was made by other means: it is as intended.
	out.IntendedNetworks, out.IntendedSettings = out.Networks, out.Settings
	if i, ok := parseIntended(r.Config.Labels[pool.LabelIntended]); ok {
		out.IntendedNetworks, out.IntendedSettings = i.Networks, i.settings()
	}
	return out
}

// mountSources lists what of the host a container was made to mount.
func mountSources(h *container.HostConfig) []string {
	var out []string
	for _, m := range h.Mounts {
		if m.Source != "" {
			out = append(out, m.Source)
		}
	}
	sort.Strings(out)
	return out
}

// SplitList reads a list with commas; an empty text is an empty list.
func SplitList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// parseTime gives the zero time for Docker's "0001-01-01T00:00:00Z", too.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// attachedNetworks leaves out Docker's "none", which stands for no network.
func attachedNetworks(n *container.NetworkSettings) []string {
	var names []string
	if n == nil {
		return nil
	}
	for name := range n.Networks {
		if name != network.NetworkNone {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

func publishedPorts(n *container.NetworkSettings) map[string]int {
	if n == nil {
		return nil
	}
	ports := map[string]int{}
	for port, bindings := range n.Ports {
		for _, b := range bindings {
			if p, err := strconv.Atoi(b.HostPort); err == nil && p != 0 {
				ports[string(port)] = p
			}
		}
	}
	return ports
}

// residence are the hosts to look at for what belongs to a portal: that which
// has it, or all.
func (e *Engine) residence(home string) []*pool.Host {
	hosts := e.pool.Hosts()
	if i := slices.IndexFunc(hosts, func(h *pool.Host) bool { return h.Name == home }); i >= 0 {
		return hosts[i : i+1]
	}
	return hosts
}

// portalNetworks names the networks that carry the portal's label.
func portalNetworks(ctx context.Context, hosts []*pool.Host, portal string) ([]string, error) {
	seen := map[string]bool{}
	for _, h := range hosts {
		c, err := h.Client(ctx)
		if err != nil {
			return nil, fail(h, "reach the host", engine.Error{Portal: portal}, err)
		}
		list, err := listNetworks(ctx, c, network.ListOptions{
			// A manager shows the overlays of its Swarm as well, which are engine swarm's.
			Filters: filters.NewArgs(filters.Arg("label", pool.LabelPortal+"="+portal), filters.Arg("driver", "bridge")),
		})
		if err != nil {
			return nil, fail(h, "list the networks", engine.Error{Portal: portal}, err)
		}
		for _, n := range list {
			seen[n.Name] = true
		}
	}
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	return names, nil
}

// listNetworks lists networks, again if the answer broke off.
func listNetworks(ctx context.Context, c *client.Client, o network.ListOptions) (list []network.Summary, err error) {
	err = pool.Retry(ctx, func() error {
		list, err = c.NetworkList(ctx, o)
		return err
	})
	return list, err
}
