// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

const (
	secretsDir = "secrets"
	// shortestSecret is the length from which a secret is struck out, and
	// shortestLine that of a line of one that has several: shorter ones would
	// take innocent words with them.
	shortestSecret = 4
	shortestLine   = 16
)

// Conceal implements Drive.
func (d SharedDrive) Conceal(portal, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	home, err := d.portal(portal)
	if err != nil {
		return "", err
	}
	defer home.Close()
	var values []string
	for _, dir := range []string{secretsDir, schedule.GivenSecrets} {
		found, err := secretsIn(home, dir)
		if err != nil {
			return "", d.fail("read", portal, dir, err)
		}
		values = append(values, found...)
	}
	// A secret may be a part of another one.
	slices.SortFunc(values, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, value := range values {
		text = strings.ReplaceAll(text, value, "(secret)")
	}
	return text, nil
}

// secretsIn returns what is to be struck out for the secrets in a directory:
// its regular files. There may be no such directory.
func secretsIn(home *os.Root, dir string) ([]string, error) {
	entries, err := fs.ReadDir(home.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var values []string
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		data, err := read(home, path.Join(dir, entry.Name()), maxSecret)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was removed at this moment
		}
		if err != nil {
			return nil, err
		}
		values = append(values, telling(string(data))...)
	}
	return values, err
}

// telling are the parts of a secret that give it away: the whole, and the lines
// of one that has several, such as a key.
func telling(secret string) []string {
	var out []string
	if whole := strings.TrimSpace(secret); len(whole) >= shortestSecret {
		out = append(out, whole)
	}
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); len(line) >= shortestLine {
			out = append(out, line)
		}
	}
	return out
}
