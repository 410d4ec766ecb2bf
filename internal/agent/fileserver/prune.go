// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"path"
	"strings"
)

// prune removes the directories config/<hash> and secrets/<hash> that hold none
// of the files to keep. Secrets themselves are never removed.
func (s *server) prune(keep []string) error {
	needed := map[string]bool{}
	for _, rel := range keep {
		if err := checkFilePath(rel); err != nil {
			return err
		}
		parts := strings.Split(rel, "/")
		needed[path.Join(parts[0], parts[1])] = true
	}
	portal, err := s.ownDir()
	if err != nil {
		return err
	}
	defer portal.Close()
	for _, top := range []string{configDir, secretsDir} {
		if err := pruneBelow(portal, top, needed); err != nil {
			return err
		}
	}
	return nil
}

func pruneBelow(portal dir, top string, needed map[string]bool) error {
	d, err := portal.sub(top)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.removeWhere(func(name string) bool {
		return hashRE.MatchString(name) && !needed[path.Join(top, name)]
	})
}
