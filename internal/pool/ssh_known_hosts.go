// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// systemKnownHosts is the file that all users of a machine share.
const systemKnownHosts = "/etc/ssh/ssh_known_hosts"

// knownHosts knows the keys of hosts.
type knownHosts struct {
	check ssh.HostKeyCallback
	lists map[string]knownList // by the name that check has for a list
	// source is where the lines are from, for errors.
	source string
}

// knownList is one list of known hosts.
type knownList struct {
	name  string // the attribute, or the file
	lines []string
}

// newKnownHosts reads the text that was given, otherwise the files of the user
// and the system.
func newKnownHosts(attr, text string) (*knownHosts, error) {
	attr += ".known_hosts"
	if text != "" {
		list := knownList{attr, strings.Split(text, "\n")}
		if bad, err := list.firstBad(); err != nil {
			return nil, fmt.Errorf("%s: line %d is not one of known hosts (%w): give lines as ssh-keyscan prints them, such as \"10.0.0.11 ssh-ed25519 AAAA…\"", attr, bad, err)
		}
		if list.empty() {
			return nil, fmt.Errorf("%s: no line of known hosts in it: give lines as ssh-keyscan prints them", attr)
		}
		return readKnown(list)
	}
	files := []string{systemKnownHosts}
	if dir := sshDirectory(); dir != "" {
		files = []string{filepath.Join(dir, "known_hosts"), systemKnownHosts}
	}
	var lists []knownList
	for _, file := range files {
		content, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", attr, err)
		}
		list := knownList{file, strings.Split(string(content), "\n")}
		list.dropBad()
		lists = append(lists, list)
	}
	if len(lists) == 0 {
		return nil, fmt.Errorf("%s: missing, and there is no %s: give the lines that ssh-keyscan prints for the host, once you have compared them with the host's own, or set PORTAL_SSH_KNOWN_HOSTS", attr, strings.Join(files, " or "))
	}
	return readKnown(lists...)
}

// bad is why a line cannot be used, nil for a good one and for one that says
// nothing.
func bad(line string) error {
	_, _, _, _, _, err := ssh.ParseKnownHosts([]byte(line))
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (l knownList) firstBad() (int, error) {
	for i, line := range l.lines {
		if err := bad(line); err != nil {
			return i + 1, err
		}
	}
	return 0, nil
}

// dropBad blanks the lines that the ssh command passes over as well: those of
// old protocols and of kinds of keys that are not known here.
func (l knownList) dropBad() {
	for i, line := range l.lines {
		if bad(line) != nil {
			l.lines[i] = ""
		}
	}
}

func (l knownList) empty() bool {
	return !slices.ContainsFunc(l.lines, func(line string) bool {
		line = strings.TrimSpace(line)
		return line != "" && !strings.HasPrefix(line, "#")
	})
}

// readKnown hands the lists to the library, which reads files alone.
func readKnown(lists ...knownList) (*knownHosts, error) {
	dir, err := os.MkdirTemp("", "portal-known-hosts-")
	if err != nil {
		return nil, fmt.Errorf("keep the known hosts for a moment: %w", err)
	}
	defer os.RemoveAll(dir)
	k := &knownHosts{lists: map[string]knownList{}}
	var files, names []string
	for i, list := range lists {
		file := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(file, []byte(strings.Join(list.lines, "\n")), 0o600); err != nil {
			return nil, fmt.Errorf("keep the known hosts for a moment: %w", err)
		}
		k.lists[file] = list
		files, names = append(files, file), append(names, list.name)
	}
	k.source = strings.Join(names, " and ")
	if k.check, err = knownhosts.New(files...); err != nil {
		return nil, fmt.Errorf("%s: %s", k.source, strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "list "))
	}
	return k, nil
}

// noKey is a key that no host has: asking for it tells which are known.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// of are the keys that are known of an address.
func (k *knownHosts) of(addr string) []knownhosts.KnownKey {
	var mismatch *knownhosts.KeyError
	if err := k.check(addr, &net.TCPAddr{}, noKey{}); errors.As(err, &mismatch) {
		return mismatch.Want
	}
	return nil
}

// algorithms are those to ask an address for, best first. A host with several
// keys shows the one that is asked for first, so it is asked for one that is
// known; and for any other only where it has none of these, for the error.
func (k *knownHosts) algorithms(addr string) []string {
	var wanted []string
	all := ssh.SupportedAlgorithms().HostKeys
	for _, known := range k.of(addr) {
		if k.isAuthority(known) {
			wanted = append(wanted, slices.DeleteFunc(slices.Clone(all), func(a string) bool { return !isCertificate(a) })...)
		} else {
			wanted = append(wanted, algorithmsOf(known.Key.Type())...)
		}
	}
	for _, a := range all {
		if !isCertificate(a) {
			wanted = append(wanted, a)
		}
	}
	var once []string
	for _, a := range wanted {
		if !slices.Contains(once, a) {
			once = append(once, a)
		}
	}
	return once
}

// isAuthority tells whether a line is that of an authority that signs hosts'
// keys.
func (k *knownHosts) isAuthority(known knownhosts.KnownKey) bool {
	return strings.HasPrefix(strings.TrimSpace(k.lists[known.Filename].lines[known.Line-1]), "@cert-authority")
}

// where says where a known key is written.
func (k *knownHosts) where(known knownhosts.KnownKey) string {
	return fmt.Sprintf("%s, line %d", k.lists[known.Filename].name, known.Line)
}

// algorithmsOf are the ways to sign with a kind of key. RSA has two that are
// still secure.
func algorithmsOf(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}

func isCertificate(algorithm string) bool { return strings.Contains(algorithm, "-cert-") }
