// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

const (
	defaultSecretLength = 32
	// maxSecretLength bounds what a blueprint may ask for, in characters.
	maxSecretLength = 4096

	secretMode fs.FileMode = 0o400
)

var (
	secretNameRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

	// secretMark is where a secret belongs in a template. Any other use of
	// brackets is text.
	secretMark = regexp.MustCompile(`\[\[\s*secret\s+"([^"\n]*)"\s*\]\]`)
)

// prepareSecrets generates the secrets that are not there, and returns the
// values of all. A value that is there is never replaced: data may be encrypted
// with it, or a database hold it.
func prepareSecrets(portal dir, wanted map[string]stack.Secret) (map[string]string, error) {
	d, err := portal.sub(secretsDir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	values := make(map[string]string, len(wanted))
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		values[name], err = prepareSecret(d, name, wanted[name])
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}

func checkSecretName(name string) error {
	if !secretNameRE.MatchString(name) {
		return fmt.Errorf("%q is no name for a secret: use letters, digits, dots, hyphens and underscores", name)
	}
	return nil
}

func prepareSecret(d dir, name string, want stack.Secret) (string, error) {
	if err := checkSecretName(name); err != nil {
		return "", err
	}
	if name == givenDir {
		return "", fmt.Errorf("a secret cannot have the name %q: that of the folder with the secrets that a user gave", name)
	}
	a := attrs{uid: want.UID, gid: want.GID, mode: secretMode}
	f, _, err := d.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		value, err := generate(want.Length)
		if err != nil {
			return "", fmt.Errorf("generating %s: %w", d.child(name), err)
		}
		return value, d.write(name, []byte(value), a)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	value, err := readAll(f, d.child(name))
	if err != nil {
		return "", err
	}
	if len(value) == 0 {
		return "", fmt.Errorf("%s is empty: restore the secret from a backup; if nothing was ever protected by it, remove the file to have a new one generated", d.child(name))
	}
	// A value that a person wrote may end in a new line, which is no part of it.
	return strings.TrimRight(string(value), "\r\n"), apply(f, d.child(name), a)
}

// generate returns random letters and digits; 0 asks for the default length.
func generate(length int) (string, error) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if length == 0 {
		length = defaultSecretLength
	}
	if length < 0 || length > maxSecretLength {
		return "", fmt.Errorf("a length of %d is not possible: at most %d", length, maxSecretLength)
	}
	value := make([]byte, 0, length)
	// Bytes beyond the largest multiple are drawn again: all characters are
	// equally likely.
	const limit = 256 - 256%len(alphabet)
	batch := make([]byte, length)
	for len(value) < length {
		_, _ = rand.Read(batch) // never fails
		for _, b := range batch {
			if int(b) < limit && len(value) < length {
				value = append(value, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(value), nil
}

// fill puts the secrets' values in the place of their marks.
func fill(template []byte, secrets map[string]string) ([]byte, error) {
	var unknown error
	filled := secretMark.ReplaceAllFunc(template, func(mark []byte) []byte {
		name := string(secretMark.FindSubmatch(mark)[1])
		value, ok := secrets[name]
		if !ok {
			unknown = fmt.Errorf("the template names the secret %q, which the blueprint does not declare", name)
		}
		return []byte(value)
	})
	return filled, unknown
}

// generatedSecrets returns the values of the secrets that were generated, with
// nothing trimmed.
func (s *server) generatedSecrets() (map[string]string, error) {
	portal, err := s.ownDir()
	if err != nil {
		return nil, err
	}
	defer portal.Close()
	values := map[string]string{}
	d, err := portal.sub(secretsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return values, nil // the portal was not prepared yet
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.list()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !secretNameRE.MatchString(name) {
			continue
		}
		value, _, err := d.read(name)
		if isCode(err, wire.NotRegular) {
			continue // a folder of files, or what somebody put there
		}
		if err != nil {
			return nil, err
		}
		values[name] = string(value)
	}
	return values, nil
}
