// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// The directories that every portal has. secrets belongs to root alone: the
// engine mounts single files out of it.
const (
	configDir  = "config"
	secretsDir = "secrets"
	dataDir    = "data"
	backupsDir = "backups"
	// leasesDir holds the leases on what is in dataDir.
	leasesDir = "leases"
	// ingressDir holds the load balancer's configuration.
	ingressDir = "ingress"
)

var baseDirectories = map[string]stack.Directory{
	configDir:    {Mode: 0o755},
	secretsDir:   {Mode: uint32(secretsAttrs.mode)},
	dataDir:      {Mode: 0o711},
	backupsDir:   {Mode: 0o700},
	leasesDir:    {Mode: 0o711},
	ingressDir:   {Mode: 0o755},
	overridesDir: overridesAttrs,
}

var secretsAttrs = attrs{mode: 0o700}

// hashRE is the name of a directory below config/ or secrets/ that belongs to
// one content.
var hashRE = regexp.MustCompile(`^[0-9a-f]{12}$`)

// prepare makes what a stack needs. It changes only what is not right yet.
func (s *server) prepare(args wire.PrepareArgs) error {
	portal, err := s.ownDir()
	if err != nil {
		return err
	}
	defer portal.Close()
	if err := sweepTemps(portal); err != nil {
		return err
	}
	if err := prepareDirectories(portal, args.Directories, args.Bare); err != nil {
		return err
	}
	if args.Bare {
		return nil
	}
	if err := firstOverrides(portal); err != nil {
		return err
	}
	secrets, err := prepareSecrets(portal, args.Secrets)
	if err != nil {
		return err
	}
	return prepareFiles(portal, args.Files, secrets)
}

// sweepTemps removes what an agent that died was writing. The portal's lock is
// held, so nobody else is writing now.
func sweepTemps(portal dir) error {
	if err := portal.removeWhere(isTemp); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(baseDirectories)) {
		d, err := portal.sub(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = d.removeWhere(isTemp)
		d.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// prepareDirectories makes the wanted directories and, unless bare, those that
// every portal has.
func prepareDirectories(portal dir, wanted map[string]stack.Directory, bare bool) error {
	all := maps.Clone(wanted)
	if !bare {
		all = maps.Clone(baseDirectories)
		maps.Copy(all, wanted)
	}
	for _, rel := range slices.Sorted(maps.Keys(all)) { // parents come first
		if err := checkPath(rel, slices.Collect(maps.Keys(baseDirectories))...); err != nil {
			return err
		}
		if err := prepareDirectory(portal, rel, all[rel]); err != nil {
			return err
		}
	}
	return nil
}

// prepareDirectory makes one directory. One that is there keeps its mode, which
// a database may have chosen; it gets its owner back, unless root was asked for,
// which is what a blueprint says that leaves the owner to the image. What is in
// it is never touched.
func prepareDirectory(portal dir, rel string, want stack.Directory) error {
	parent, err := portal.descend(path.Dir(rel), attrs{mode: 0o711})
	if err != nil {
		return err
	}
	defer parent.Close()
	a := attrs{uid: want.UID, gid: want.GID, mode: fs.FileMode(want.Mode).Perm()}
	d, made, err := parent.makeSub(path.Base(rel), a)
	if err != nil {
		return err
	}
	defer d.Close()
	if made || (want.UID == 0 && want.GID == 0) {
		return nil
	}
	info, err := d.Stat(".")
	if err != nil {
		return explain("reading", d.path, err)
	}
	a.mode = info.Mode().Perm()
	return d.apply(a)
}

// descend opens the directory at the path rel below d, and makes what is missing
// on the way with a.
func (d dir) descend(rel string, a attrs) (dir, error) {
	at, err := d.sub(".")
	if err != nil || rel == "." {
		return at, err
	}
	for name := range strings.SplitSeq(rel, "/") {
		next, _, err := at.makeSub(name, a)
		at.Close()
		if err != nil {
			return dir{}, err
		}
		at = next
	}
	return at, nil
}

// prepareFiles writes the files whose content or attributes are not right.
func prepareFiles(portal dir, files map[string]stack.File, secrets map[string]string) error {
	for _, rel := range slices.Sorted(maps.Keys(files)) {
		if err := checkFilePath(rel); err != nil {
			return err
		}
		if err := prepareFile(portal, rel, files[rel], secrets); err != nil {
			return err
		}
	}
	return nil
}

func prepareFile(portal dir, rel string, file stack.File, secrets map[string]string) error {
	content := file.Content
	secret := strings.HasPrefix(rel, secretsDir+"/")
	if file.Template {
		if !secret && secretMark.Match(content) {
			return fmt.Errorf("%s is to hold a secret: such a file belongs below %s/", portal.child(rel), secretsDir)
		}
		var err error
		if content, err = fill(content, secrets); err != nil {
			return fmt.Errorf("writing %s: %w", portal.child(rel), err)
		}
	}
	mode := fs.FileMode(0o755)
	if secret {
		mode = 0o700
	}
	parent, err := portal.descend(path.Dir(rel), attrs{mode: mode})
	if err != nil {
		return err
	}
	defer parent.Close()
	a := attrs{uid: file.UID, gid: file.GID, mode: fs.FileMode(file.Mode).Perm()}
	return parent.ensure(path.Base(rel), content, a)
}

// ensure writes the file name unless it holds content already; then it only sees
// to its owner and mode.
func (d dir) ensure(name string, content []byte, a attrs) error {
	f, info, err := d.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return d.write(name, content, a)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	same, err := holds(f, info, content, d.child(name))
	if err != nil {
		return err
	}
	if !same {
		return d.write(name, content, a)
	}
	return apply(f, d.child(name), a)
}

func holds(f *os.File, info fs.FileInfo, content []byte, shown string) (bool, error) {
	if info.Size() != int64(len(content)) {
		return false, nil
	}
	data, err := readAll(f, shown)
	return bytes.Equal(data, content), err
}

// checkFilePath accepts config/<hash>/… and secrets/<hash>/<name>.
func checkFilePath(rel string) error {
	if err := checkPath(rel, configDir, secretsDir); err != nil {
		return err
	}
	parts := strings.Split(rel, "/")
	if len(parts) < 3 || !hashRE.MatchString(parts[1]) {
		return fmt.Errorf("the path %q of a file is not of the form config/<12 hexadecimal digits>/<name>", rel)
	}
	return nil
}

// checkPath accepts a clean relative path below one of the directories tops.
func checkPath(rel string, tops ...string) error {
	top, _, _ := strings.Cut(rel, "/")
	if !filepath.IsLocal(rel) || path.Clean(rel) != rel || !slices.Contains(tops, top) {
		slices.Sort(tops)
		return fmt.Errorf("the path %q is not below one of the directories %s of a portal", rel, strings.Join(tops, ", "))
	}
	return nil
}
