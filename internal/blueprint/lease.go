// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"path"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const (
	// leasesFolder of a portal holds a directory for each volume with a lease.
	leasesFolder = "leases"
	// leaseMode lets the service alone in, which renews its lease there.
	leaseMode = 0o700
	// ownFolder in a container is where the provider mounts what is its own.
	ownFolder = "/.portal"
)

// lease returns the lease's directory on the hosts, empty when the service has no
// lease, and notes it as one to make on the drive. It lies beside the volume and
// not in it, so that no program meets files in its data that it does not know.
func (b *builder) lease(c types.ServiceConfig, x serviceExtension) string {
	if x.lease == "" {
		return ""
	}
	at := "services." + c.Name + ".x-portal.lease"
	var own []string
	for _, v := range c.Volumes {
		if v.Type == types.VolumeTypeVolume && !v.ReadOnly {
			own = append(own, v.Source)
		}
		if v.Type == types.VolumeTypeVolume && v.Source == x.lease && v.ReadOnly {
			b.refuse(at, "%s is mounted read-only: a service that only reads needs no lease", x.lease)
			return ""
		}
	}
	volume, declared := b.volumes[x.lease]
	switch {
	case !declared || !slices.Contains(own, x.lease):
		b.refuse(at, "%q is not a volume that %s mounts: name the one that holds its data, as under `volumes`.%s", x.lease, c.Name, suggest(x.lease, own))
		return ""
	case volume.directory != "data/"+x.lease:
		b.refuse(at, "%s is the folder %s of the portal, which several write: a lease is for data that one server has for itself", x.lease, volume.directory)
		return ""
	}
	directory := path.Join(leasesFolder, x.lease)
	d := stack.Directory{Mode: leaseMode}
	if user, ok := parseOwner(c.User); ok {
		d.UID, d.GID = user.uid, user.gid
	} else if volume.owner != nil {
		d.UID, d.GID = volume.owner.uid, volume.owner.gid
	}
	if _, taken := b.stack.Directories[directory]; taken {
		b.refuse(at, "another service has the lease on %s: a volume with a lease has one service", x.lease)
		return ""
	}
	b.stack.Directories[directory] = d
	return b.directory(directory)
}

// checkLeases refuses what cannot be with a lease.
func (b *builder) checkLeases() {
	for _, name := range sortedKeys(b.stack.Services) {
		if s := b.stack.Services[name]; s.Lease != "" {
			b.checkLease(s)
		}
	}
}

func (b *builder) checkLease(s *stack.Service) {
	at := "services." + s.Name + ".x-portal.lease"
	if s.Task != nil {
		b.refuse(at, "%s is a task: a lease is for a server that runs on", s.Name)
	}
	if s.Replicas > 1 {
		if b.spec.Services[s.Name].Replicas != nil {
			b.problem("services."+s.Name+".replicas", "This number of replicas is not possible", "%s has a lease on its data, which one container at a time can hold. Give it more memory or processors instead.", s.Name)
		} else {
			b.refuse(at, "a lease is held by one container at a time, and there are to be %d: leave `deploy.replicas` out, or the lease", s.Replicas)
		}
	}
	if s.Update == stack.StartFirst {
		b.refuse(at, "with `order: start-first` the new container would wait for a lease that the old one holds: make it stop-first")
	}
	for _, m := range s.Mounts {
		if m.Target == ownFolder || strings.HasPrefix(m.Target, ownFolder+"/") {
			b.refuse("services."+s.Name, "something is mounted at %s, where the provider mounts the lease: choose another place", m.Target)
		}
	}
}
