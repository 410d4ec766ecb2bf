// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// mount gathers what the member finds in its file system: what it takes after,
// and over that what it says itself.
func (j *joiner) mount() {
	m := j.member
	targets := map[string]string{} // attribute by target
	var own []stack.Mount
	add := func(attribute, target string, mount func(attribute, target string) (stack.Mount, bool)) {
		if !validTarget(target) {
			j.problem(attribute, "The place is not valid", "%q is not a place to mount something: give an absolute path below /, for example \"/data\".", target)
			return
		}
		if other, taken := targets[target]; taken {
			j.problem(attribute, "The place is taken", "Two things are mounted at %s, this one and that of %s: keep one of them.", target, other)
			return
		}
		targets[target] = attribute
		if made, ok := mount(attribute, target); ok {
			own = append(own, made)
		}
	}
	for _, target := range sortedKeys(m.Volumes) {
		add("volumes."+target, target, j.volume)
	}
	for _, target := range sortedKeys(m.SecretFiles) {
		add("secret_files."+target, target, j.secretFile)
	}
	for _, target := range sortedKeys(m.GivenSecrets) {
		add("secret_files_wo", target, j.givenSecret)
	}
	if _, taken := targets["/tmp"]; m.ReadOnly && !taken && !mountedAt(j.service.Mounts, "/tmp") {
		own = append(own, stack.Mount{Target: "/tmp", Mode: 0o1777})
	}

	inherited := slices.DeleteFunc(j.service.Mounts, func(m stack.Mount) bool { return mountedAt(own, m.Target) })
	for _, mount := range inherited {
		j.provide(mount)
	}
	j.checkReader(inherited)
	j.service.Mounts = slices.Concat(inherited, own)
	sortMounts(j.service.Mounts)
}

func mountedAt(mounts []stack.Mount, target string) bool {
	return slices.ContainsFunc(mounts, func(m stack.Mount) bool { return m.Target == target })
}

// volume mounts a directory of the portal. One that the blueprint has keeps its
// owner; a new one belongs to the user that the member runs as.
func (j *joiner) volume(attribute, target string) (stack.Mount, bool) {
	v := j.member.Volumes[target]
	if !validName(v.Name) {
		j.problem(attribute+".name", "The name is not valid", "%q becomes the name of a directory: %s.", v.Name, nameRule)
		return stack.Mount{}, false
	}
	name := j.volumeDirectory(v.Name)
	d, known := j.base.Directories[name]
	if !known {
		d.Mode = defaultDirectoryMode
		// Who only reads does not decide whose it is.
		if user, ok := parseOwner(j.service.User); ok && !v.ReadOnly {
			d.UID, d.GID = user.uid, user.gid
		}
	}
	if known || strings.HasPrefix(name, "data/") {
		j.part.Directories[name] = d
	}
	return stack.Mount{Source: path.Join(j.base.Directory, name), Target: target, ReadOnly: v.ReadOnly}, true
}

// volumeDirectory is where a volume lies. The portal's overrides and backups
// have their own places, unless the blueprint uses such a name for its data.
func (j *joiner) volumeDirectory(name string) string {
	data := "data/" + name
	if _, used := j.base.Directories[data]; !used && (name == "overrides" || name == "backups") {
		return name
	}
	return data
}

var (
	// secretMark is where the drive fills a secret in.
	secretMark = regexp.MustCompile(`\[\[\s*secret\s+"([^"\n]*)"\s*\]\]`)
	// secretMarkBegin is where somebody meant to write one.
	secretMarkBegin = regexp.MustCompile(`\[\[-?\s*secret\b`)
)

// secretFile mounts a file with secrets, readable to the member's user alone.
// Unlike a blueprint's template it knows nothing but secrets: for all else there
// is Terraform's own interpolation, and other brackets are the file's.
func (j *joiner) secretFile(attribute, target string) (stack.Mount, bool) {
	content := j.member.SecretFiles[target]
	if rest := secretMark.ReplaceAllString(content, ""); secretMarkBegin.MatchString(rest) {
		j.problem(attribute, "A mark is not complete", "Write [[ secret \"name\" ]], with the name in double quotes.")
		return stack.Mount{}, false
	}
	marks := secretMark.FindAllStringSubmatch(content, -1)
	for _, mark := range marks {
		name := mark[1]
		if !secretRE.MatchString(name) || name == givenFolder {
			j.problem(attribute, "The name of a secret is not valid", "%q becomes the name of a file: begin with a letter or digit, and use letters, digits, dots, hyphens and underscores. %q itself is taken.", name, givenFolder)
			return stack.Mount{}, false
		}
		j.part.Secrets[name] = j.base.Secrets[name]
	}
	f := stack.File{Content: []byte(content), Mode: defaultSecretMode, Template: len(marks) > 0}
	user, known := parseOwner(j.service.User)
	if !known {
		// Nobody can tell which user of the image will read it. The folder on
		// the drive keeps everybody else away.
		f.Mode = 0o444
	}
	f.UID, f.GID = user.uid, user.gid
	name := path.Join("secrets", hash12(f), path.Base(target))
	j.part.Files[name] = f
	return stack.Mount{Source: path.Join(j.base.Directory, name), Target: target, ReadOnly: true}, true
}

// givenFolder is where the secrets lie that a user gave, beneath secrets/.
const givenFolder = "given"

func (j *joiner) givenSecret(attribute, target string) (stack.Mount, bool) {
	name := j.member.GivenSecrets[target]
	if !secretRE.MatchString(name) {
		j.problem(attribute, "The name of a secret is not valid", "%q cannot be the name of a file.", name)
		return stack.Mount{}, false
	}
	return stack.Mount{Source: path.Join(j.base.Directory, "secrets", givenFolder, name), Target: target, ReadOnly: true}, true
}

// provide notes what lies behind a mount that the member takes over, so that
// its part of the stack says all that it needs.
func (j *joiner) provide(m stack.Mount) {
	rel, ok := j.relative(m)
	if !ok {
		return
	}
	for name, d := range j.base.Directories {
		if within(rel, name) {
			j.part.Directories[name] = d
		}
	}
	if name, ok := strings.CutPrefix(rel, "secrets/"); ok {
		if s, ok := j.base.Secrets[name]; ok {
			j.part.Secrets[name] = s
		}
	}
}

// checkReader refuses another user for secret files that the member takes over:
// they can be read by the one user that they were made for.
func (j *joiner) checkReader(inherited []stack.Mount) {
	if j.from == nil {
		return
	}
	before, known := parseOwner(j.from.User)
	now, valid := parseOwner(j.service.User)
	if !known || !valid || before.uid == now.uid {
		return
	}
	for _, m := range inherited {
		if rel, ok := j.relative(m); ok && within(rel, "secrets") {
			j.problem("user", "The user cannot read the secrets", "%s is a secret file of %s, which runs as %q and can alone read it. Leave user out, or give secret_files of its own at that place.", m.Target, j.member.From, j.from.User)
		}
	}
}

// within tells whether a path is a directory or lies beneath it.
func within(name, directory string) bool {
	return name == directory || strings.HasPrefix(name, directory+"/")
}
