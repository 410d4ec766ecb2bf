// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Files of configs, secrets and bind mounts are named after their content, so
// a container that runs never sees its files change, and a new content is a
// new mount: Compose's restart of what a change concerns comes by itself.

// hash12 names content, its owner and its mode.
func hash12(f stack.File) string {
	h := sha256.New()
	fmt.Fprintf(h, "%o %d:%d %t\n", f.Mode, f.UID, f.GID, f.Template)
	h.Write(f.Content)
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// addFile puts a file under config/ or secrets/ and returns the host's path.
func (b *builder) addFile(section, name string, f stack.File) string {
	at := path.Join(section, hash12(f), name)
	b.stack.Files[at] = f
	return b.directory(at)
}

// copyToDrive copies a file or a folder of the blueprint.
func (b *builder) copyToDrive(clean string) (string, error) {
	if err := b.folder.noLinks(clean); err != nil {
		return "", err
	}
	if !b.folder.isDir(clean) {
		content, err := b.folder.read(clean)
		if err != nil {
			return "", err
		}
		mode, err := b.folder.mode(clean)
		if err != nil {
			return "", err
		}
		return b.addFile("config", path.Base(clean), stack.File{Content: content, Mode: mode}), nil
	}
	files, err := b.folder.tree(clean)
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", fmt.Errorf("%s is an empty folder; use a named volume for data that the service writes", clean)
	}
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %o %x\n", f.name, f.mode, sha256.Sum256(f.content))
	}
	name := path.Base(clean)
	if clean == "." {
		name = "blueprint"
	}
	root := path.Join("config", hex.EncodeToString(h.Sum(nil))[:12], name)
	for _, f := range files {
		b.stack.Files[path.Join(root, f.name)] = stack.File{Content: f.content, Mode: f.mode}
	}
	return b.directory(root), nil
}

// configMounts mounts the service's configs.
func (b *builder) configMounts(c types.ServiceConfig) []stack.Mount {
	var mounts []stack.Mount
	for i, ref := range c.Configs {
		at := fmt.Sprintf("services.%s.configs[%d]", c.Name, i)
		object, ok := b.project.Configs[ref.Source]
		if !ok {
			b.refuse(at, "there is no config %q; declare it under the top-level `configs`.%s", ref.Source, suggest(ref.Source, b.project.ConfigNames()))
			continue
		}
		target := ref.Target
		if target == "" {
			target = "/" + ref.Source
		}
		x := b.configs[ref.Source]
		if x.ingress != "" {
			if m, ok := b.ingressMount(c, ref, target, at); ok {
				mounts = append(mounts, m)
			}
			continue
		}
		f := b.newFile(types.FileReferenceConfig(ref), owner{}, defaultConfigMode, at)
		if !b.fill(&f, types.FileObjectConfig(object), x.template, at) {
			continue
		}
		if f.Template {
			b.refuse(at, "%s names secrets: declare it under `secrets` instead of `configs`, so that only this service can read it", ref.Source)
			continue
		}
		mounts = append(mounts, stack.Mount{Source: b.addFile("config", baseName(object.File, ref.Source), f), Target: path.Clean(target), ReadOnly: true})
	}
	return mounts
}

// secretMounts mounts the service's secrets: generated ones, and files.
func (b *builder) secretMounts(c types.ServiceConfig) []stack.Mount {
	var mounts []stack.Mount
	for i, ref := range c.Secrets {
		at := fmt.Sprintf("services.%s.secrets[%d]", c.Name, i)
		object, ok := b.project.Secrets[ref.Source]
		if !ok {
			b.refuse(at, "there is no secret %q; declare it under the top-level `secrets`.%s", ref.Source, suggest(ref.Source, b.project.SecretNames()))
			continue
		}
		target := ref.Target
		if target == "" {
			target = ref.Source
		}
		if !path.IsAbs(target) {
			target = path.Join("/run/secrets", target)
		}
		user, known := parseOwner(c.User)
		mode := uint32(defaultSecretMode)
		if x := b.secrets[ref.Source]; !known && !x.generate && x.given == "" {
			// Nobody can tell which user of the image will read it. The
			// folder on the drive keeps everybody else away.
			mode = 0o444
		}
		f := b.newFile(types.FileReferenceConfig(ref), user, mode, at)
		m := stack.Mount{Target: path.Clean(target), ReadOnly: true}
		if given := b.secrets[ref.Source].given; given != "" {
			if m.Source = b.givenSource(given, f, at); m.Source == "" {
				continue
			}
		} else if b.secrets[ref.Source].generate {
			if f.Mode != defaultSecretMode {
				b.refuse(at+".mode", "a generated secret always has the mode 0400")
			}
			b.addSecret(ref.Source, &owner{f.UID, f.GID}, at)
			m.Source = b.directory("secrets", ref.Source)
		} else if b.fill(&f, types.FileObjectConfig(object), b.secrets[ref.Source].template, at) {
			m.Source = b.addFile("secrets", baseName(object.File, ref.Source), f)
		} else {
			continue
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// addSecret notes a secret to generate. Its file belongs to the one user that
// mounts it; reader is nil where it is only named in a template.
func (b *builder) addSecret(name string, reader *owner, at string) {
	s, known := b.stack.Secrets[name]
	s.Length = b.secrets[name].length
	if reader != nil {
		if known && b.secretReaders[name] && (s.UID != reader.uid || s.GID != reader.gid) {
			b.refuse(at, "services that run as different users read the secret %q: give each its own file with `x-portal: {template: true}` that holds [[ secret %q ]]", name, name)
			return
		}
		b.secretReaders[name] = true
		s.UID, s.GID = reader.uid, reader.gid
	}
	b.stack.Secrets[name] = s
}

// newFile is a file without content, with the owner and mode of a reference.
func (b *builder) newFile(ref types.FileReferenceConfig, otherwise owner, mode uint32, at string) stack.File {
	f := stack.File{UID: otherwise.uid, GID: otherwise.gid, Mode: mode}
	for _, id := range []struct {
		name, text string
		value      *int
	}{{"uid", ref.UID, &f.UID}, {"gid", ref.GID, &f.GID}} {
		if id.text == "" {
			continue
		}
		n, err := strconv.ParseUint(id.text, 10, 31)
		if err != nil {
			b.refuse(at+"."+id.name, "%q is not a number", id.text)
		}
		*id.value = int(n)
	}
	if ref.Mode != nil {
		if *ref.Mode < 0 || *ref.Mode > 0o777 {
			b.refuse(at+".mode", "%s is not a mode such as 0440", ref.Mode)
		}
		f.Mode = uint32(*ref.Mode)
	}
	return f
}

// fill gives a file the content that a config or secret has.
func (b *builder) fill(f *stack.File, object types.FileObjectConfig, isTemplate bool, at string) bool {
	content := []byte(object.Content)
	if object.File != "" {
		var err error
		if content, err = b.folder.read(object.File); err != nil {
			b.refuse(at, "%s", err)
			return false
		}
	}
	f.Content = content
	if !isTemplate {
		return true
	}
	b.readsMail = b.readsMail || bytes.Contains(content, []byte(".Mail"))
	rendered, secrets, err := render(content, newFacts(b.spec))
	if err != nil {
		b.refuse(at, "%s: %s", baseName(object.File, "content"), err)
		return false
	}
	for _, name := range secrets {
		if !b.secrets[name].generate {
			b.refuse(at, "%s names the secret %q, which is not generated.%s", baseName(object.File, "content"), name, suggest(name, b.generatedSecrets()))
			return false
		}
		b.addSecret(name, nil, at)
	}
	f.Content, f.Template = rendered, len(secrets) > 0
	return true
}

func (b *builder) generatedSecrets() []string {
	var names []string
	for _, name := range sortedKeys(b.secrets) {
		if b.secrets[name].generate {
			names = append(names, name)
		}
	}
	return names
}

func baseName(file, otherwise string) string {
	if file == "" {
		return otherwise
	}
	return path.Base(path.Clean(file))
}
