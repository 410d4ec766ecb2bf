// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// mounts gathers everything that a service finds in its file system, sorted by
// where it is mounted.
func (b *builder) mounts(c types.ServiceConfig) []stack.Mount {
	var mounts []stack.Mount
	at := "services." + c.Name
	for i, v := range c.Volumes {
		if m, ok := b.volume(c, v, fmt.Sprintf("%s.volumes[%d]", at, i)); ok {
			mounts = append(mounts, m)
		}
	}
	for _, text := range c.Tmpfs {
		mounts = append(mounts, b.tmpfs(text, at+".tmpfs"))
	}
	mounts = append(mounts, b.configMounts(c)...)
	mounts = append(mounts, b.secretMounts(c)...)

	sortMounts(mounts)
	for i, m := range mounts {
		if !validTarget(m.Target) {
			b.refuse(at, "%q is not a place to mount something: give an absolute path below /", m.Target)
		}
		if i > 0 && mounts[i-1].Target == m.Target {
			b.refuse(at, "two things are mounted at %s: keep one of them", m.Target)
		}
	}
	return mounts
}

// validTarget tells whether something can be mounted at a path in a container.
func validTarget(target string) bool {
	return path.IsAbs(target) && path.Clean(target) == target && target != "/" && !strings.ContainsAny(target, "\x00\n")
}

func sortMounts(mounts []stack.Mount) {
	slices.SortStableFunc(mounts, func(x, y stack.Mount) int { return cmp.Compare(x.Target, y.Target) })
}

// volume translates one entry of `volumes`.
func (b *builder) volume(c types.ServiceConfig, v types.ServiceVolumeConfig, at string) (stack.Mount, bool) {
	target := path.Clean(v.Target)
	switch v.Type {
	case types.VolumeTypeVolume:
		return b.namedVolume(c, v, target, at)
	case types.VolumeTypeBind:
		return b.bind(c, v, target, at)
	case types.VolumeTypeTmpfs:
		m := stack.Mount{Target: target}
		if v.Tmpfs != nil {
			m.Size, m.Mode = int64(v.Tmpfs.Size), v.Tmpfs.Mode
		}
		return m, true
	default:
		b.refuse(at, "the type %q is not supported; there are volume, bind and tmpfs", v.Type)
		return stack.Mount{}, false
	}
}

func (b *builder) namedVolume(c types.ServiceConfig, v types.ServiceVolumeConfig, target, at string) (stack.Mount, bool) {
	if v.Source == "" {
		b.refuse(at, "the volume at %s has no name and would be lost with its container: give it one (data:%s), or use `tmpfs`", target, target)
		return stack.Mount{}, false
	}
	x, ok := b.volumes[v.Source]
	if !ok {
		b.refuse(at, "there is no volume %q; declare it under the top-level `volumes`.%s", v.Source, suggest(v.Source, sortedKeys(b.volumes)))
		return stack.Mount{}, false
	}
	directory := x.directory
	if v.Volume != nil && v.Volume.Subpath != "" {
		clean := path.Clean(v.Volume.Subpath)
		if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
			b.refuse(at+".subpath", "%s leads out of the volume", v.Volume.Subpath)
			return stack.Mount{}, false
		}
		directory = path.Join(directory, clean)
	}
	b.addDirectory(c, x.directory, x, at)
	if directory != x.directory {
		b.addDirectory(c, directory, x, at)
	}
	return stack.Mount{Source: b.directory(directory), Target: target, ReadOnly: v.ReadOnly}, true
}

// addDirectory notes a directory to make on the drive. Without an owner of its
// own it belongs to the first service, by name, that runs as a user in numbers.
func (b *builder) addDirectory(c types.ServiceConfig, name string, x volumeExtension, at string) {
	d := stack.Directory{Mode: x.mode}
	if x.owner != nil {
		d.UID, d.GID = x.owner.uid, x.owner.gid
	} else if u, ok := parseOwner(c.User); ok {
		d.UID, d.GID = u.uid, u.gid
	}
	known, ok := b.stack.Directories[name]
	if ok && (known.UID != 0 || known.GID != 0) {
		if (d.UID != 0 || d.GID != 0) && d != known {
			b.refuse(at, "services that run as different users share %s: say who owns it with `x-portal: {owner: \"uid:gid\"}` at the volume", name)
		}
		return
	}
	b.stack.Directories[name] = d
}

// bind translates a mount of the blueprint's own file or folder, which becomes
// a copy on the drive, or of a directory beneath the portal's data.
func (b *builder) bind(c types.ServiceConfig, v types.ServiceVolumeConfig, target, at string) (stack.Mount, bool) {
	if strings.HasSuffix(v.Source, "docker.sock") {
		b.refuse(at, "Docker's own socket is never given to a container: it would own the host")
		return stack.Mount{}, false
	}
	if data := b.directory("data") + "/"; strings.HasPrefix(path.Clean(v.Source)+"/", data) && path.Clean(v.Source)+"/" != data {
		name := path.Join("data", strings.TrimPrefix(path.Clean(v.Source)+"/", data))
		b.addDirectory(c, name, volumeExtension{mode: defaultDirectoryMode}, at)
		return stack.Mount{Source: b.directory(name), Target: target, ReadOnly: v.ReadOnly}, true
	}
	clean, err := b.folder.local(v.Source)
	if err != nil {
		b.refuse(at, "the host's %s is not mounted: use a named volume for data, or put the file into the blueprint's folder and mount it by a relative path", v.Source)
		return stack.Mount{}, false
	}
	if !b.folder.exists(clean) {
		b.refuse(at, "%s does not exist in the blueprint's folder. Use a named volume for data that the service writes: declare it under the top-level `volumes` and mount it by its name", v.Source)
		return stack.Mount{}, false
	}
	source, err := b.copyToDrive(clean)
	if err != nil {
		b.refuse(at, "%s", err)
		return stack.Mount{}, false
	}
	// A copy is the same for all containers and versions: nobody changes it.
	return stack.Mount{Source: source, Target: target, ReadOnly: true}, true
}

// tmpfs reads "/run:size=64m,mode=1777".
func (b *builder) tmpfs(text, at string) stack.Mount {
	target, options, _ := strings.Cut(text, ":")
	m := stack.Mount{Target: path.Clean(target)}
	for option := range strings.SplitSeq(options, ",") {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "", "rw", "nosuid", "nodev", "noexec": // Docker's own defaults
		case "size":
			var size types.UnitBytes
			if err := size.DecodeMapstructure(value); err != nil || size <= 0 {
				b.refuse(at, "%q is not a size such as \"64m\"", value)
			}
			m.Size = int64(size)
		case "mode":
			mode, err := strconv.ParseUint(value, 8, 32)
			if err != nil || mode > 0o1777 {
				b.refuse(at, "%q is not a mode in octal such as \"1777\"", value)
			}
			m.Mode = uint32(mode)
		default:
			b.refuse(at, "the option %q is not supported; there are size and mode", name)
		}
	}
	return m
}
