// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// publicAttrs let the load balancer's user read what holds no secret: the
// configuration and certificates.
var publicAttrs = attrs{mode: 0o444}

// writeIngress replaces configurations.
func (s *server) writeIngress(configs map[string][]byte) error {
	d, err := s.ownSub(ingressDir)
	if err != nil {
		return err
	}
	defer d.Close()
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		if err := ensureIngressFile(d, name, configs[name], publicAttrs); err != nil {
			return err
		}
	}
	return nil
}

// pruneIngress removes the files that are not to be kept.
func (s *server) pruneIngress(keep []string) error {
	d, err := s.ownSub(ingressDir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.removeWhere(func(name string) bool { return !slices.Contains(keep, name) })
}

// writeIngressFiles puts files beside the configuration. A private one that is
// not given must be there.
func (s *server) writeIngressFiles(args wire.WriteIngressFilesArgs) error {
	d, err := s.ownSub(ingressDir)
	if err != nil {
		return err
	}
	defer d.Close()
	for _, name := range slices.Sorted(maps.Keys(args.Public)) {
		if err := ensureIngressFile(d, name, args.Public[name], publicAttrs); err != nil {
			return err
		}
	}
	private := attrs{uid: args.UID, gid: args.GID, mode: secretMode}
	for _, name := range args.Private {
		if content, given := args.Contents[name]; given {
			if err := ensureIngressFile(d, name, content, private); err != nil {
				return err
			}
			continue
		}
		f, _, err := d.open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is not there and was not given: a private key that belongs to the configuration of the load balancer is missing. Apply the resource that has it in its tls block again", d.child(name))
		}
		if err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

func ensureIngressFile(d dir, name string, content []byte, a attrs) error {
	if err := checkSecretName(name); err != nil {
		return err
	}
	if err := checkSize(d.child(name), content); err != nil {
		return err
	}
	return d.ensure(name, content, a)
}
