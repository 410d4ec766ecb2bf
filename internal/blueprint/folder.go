// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

//go:embed private-portal
var builtin embed.FS

// Limits on what is read from a blueprint. Its files end up in memory and on
// the shared drive; data belongs in volumes.
const (
	maxFile   = 4 << 20  // bytes of one file
	maxFolder = 32 << 20 // bytes of all files in a mounted folder
	maxFiles  = 2000     // files in a mounted folder
)

// Names that a Compose file has in its folder, in the order of preference.
var composeNames = []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}

// folder is a blueprint's folder: a user's, or the built-in one. Nothing
// outside it is ever read, through symbolic links neither.
type folder struct {
	fsys    fs.FS
	close   func() error
	path    string // absolute path on this machine, empty for the built-in one
	compose string // name of the Compose file
}

// openFolder opens a path to a Compose file or to a folder that holds one;
// empty means the built-in blueprint.
func openFolder(name string) (*folder, error) {
	if name == "" {
		sub, err := fs.Sub(builtin, "private-portal")
		return &folder{fsys: sub, compose: "compose.yaml"}, err
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s does not exist; give the path of a Compose file or of a folder that holds compose.yaml (in a module, \"${path.module}/blueprint\")", name)
	}
	if err != nil {
		return nil, err
	}
	dir, compose := abs, ""
	if !info.IsDir() {
		dir, compose = filepath.Split(abs)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{fsys: root.FS(), close: root.Close, path: filepath.Clean(dir), compose: compose}
	if compose == "" {
		for _, candidate := range composeNames {
			if _, err := fs.Stat(f.fsys, candidate); err == nil {
				f.compose = candidate
				return f, nil
			}
		}
		root.Close()
		return nil, fmt.Errorf("%s holds no Compose file: one of %s", name, strings.Join(composeNames, ", "))
	}
	return f, nil
}

func (f *folder) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// display names the Compose file in messages.
func (f *folder) display() string {
	if f.path == "" {
		return "the built-in blueprint"
	}
	return filepath.Join(f.path, f.compose)
}

// local turns a path of the Compose file into one within the folder, with
// slashes, or tells why it is none.
func (f *folder) local(name string) (string, error) {
	if name == "" {
		return "", errors.New("the path is empty")
	}
	if f.path != "" && filepath.IsAbs(name) {
		rel, err := filepath.Rel(f.path, name)
		if err != nil {
			return "", fmt.Errorf("%s lies outside the blueprint's folder", name)
		}
		name = rel
	}
	clean := path.Clean(filepath.ToSlash(name))
	if strings.HasPrefix(clean, "~") || !fs.ValidPath(clean) {
		return "", fmt.Errorf("%s lies outside the blueprint's folder: copy the file into the folder", name)
	}
	return clean, nil
}

// read returns a regular file of the folder. A symbolic link is refused
// wherever it leads, so that a folder means the same on every machine.
func (f *folder) read(name string) ([]byte, error) {
	clean, err := f.local(name)
	if err != nil {
		return nil, err
	}
	if err := f.noLinks(clean); err != nil {
		return nil, err
	}
	info, err := fs.Stat(f.fsys, clean)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s does not exist in the blueprint's folder", name)
	}
	if err != nil {
		return nil, err
	}
	// Opening a pipe or a device could wait for ever.
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	file, err := f.fsys.Open(clean)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB; keep data in a volume", name, maxFile>>20)
	}
	return content, nil
}

// noLinks fails when a part of the path is a symbolic link.
func (f *folder) noLinks(clean string) error {
	part := ""
	for elem := range strings.SplitSeq(clean, "/") {
		part = path.Join(part, elem)
		info, err := fs.Lstat(f.fsys, part)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the caller says so
		}
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s is a symbolic link: put the file itself into the blueprint's folder", part)
		}
	}
	return nil
}

// treeFile is a file of a folder that is copied as a whole.
type treeFile struct {
	name    string // path within that folder
	content []byte
	mode    uint32
}

// tree reads all files beneath a folder of the blueprint, sorted by name.
func (f *folder) tree(clean string) ([]treeFile, error) {
	var files []treeFile
	total := 0
	err := fs.WalkDir(f.fsys, clean, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := f.read(name)
		if err != nil {
			return err
		}
		if total += len(content); total > maxFolder || len(files) == maxFiles {
			return fmt.Errorf("%s holds more than %d MiB or %d files; keep data in a volume", clean, maxFolder>>20, maxFiles)
		}
		mode, err := f.mode(name)
		if err != nil {
			return err
		}
		files = append(files, treeFile{name: strings.TrimPrefix(name, clean+"/"), content: content, mode: mode})
		return nil
	})
	return files, err
}

// mode is what a copy gets: readable by all, and executable where the
// original is.
func (f *folder) mode(clean string) (uint32, error) {
	info, err := fs.Stat(f.fsys, clean)
	if err != nil {
		return 0, err
	}
	if info.Mode()&0o111 != 0 {
		return 0o555, nil
	}
	return 0o444, nil
}

func (f *folder) exists(clean string) bool {
	_, err := fs.Lstat(f.fsys, clean)
	return err == nil
}

func (f *folder) isDir(clean string) bool {
	info, err := fs.Stat(f.fsys, clean)
	return err == nil && info.IsDir()
}
