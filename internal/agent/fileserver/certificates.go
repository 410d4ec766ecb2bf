// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// Caddy keeps a certificate as certificates/<issuer>/<host>/<host>.crt.
const (
	issuedDir = "certificates"
	chainEnd  = ".crt"
)

// Certificates reads the certificates, never the keys, that the load balancer of
// a portal keeps.
func (r *reader) Certificates(args wire.CertificatesArgs, reply *wire.CertificatesReply) error {
	r.note()
	return wire.Encode(r.certificates(args, reply))
}

func (r *reader) certificates(args wire.CertificatesArgs, reply *wire.CertificatesReply) error {
	manifest, portal, err := r.look(args.StorageID, args.Portal)
	if err != nil || manifest.Place != wire.PlacePortal {
		return err
	}
	defer portal.Close()
	storage, err := portal.beneath(path.Join(args.Folder, issuedDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // none yet
	}
	if err != nil {
		return err
	}
	defer storage.Close()
	found := chains{newest: map[string]time.Time{}, byHost: map[string][]byte{}}
	err = eachSub(storage, func(issuer dir) error { return eachSub(issuer, found.read) })
	reply.Chains = found.byHost
	return err
}

// chains collects the newest chain of each host: those of several issuers may be
// there.
type chains struct {
	newest map[string]time.Time
	byHost map[string][]byte
}

// read notes the chain of the host that a directory is for.
func (c chains) read(d dir) error {
	host := path.Base(d.path)
	data, info, err := d.read(host + chainEnd)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is being asked for
	}
	if err != nil {
		return err
	}
	// A wildcard's directory is called "wildcard_.acme.com".
	host = strings.Replace(host, "wildcard_", "*", 1)
	if written := info.ModTime(); !written.Before(c.newest[host]) {
		c.newest[host], c.byHost[host] = written, data
	}
	return nil
}

// beneath opens a directory some levels down.
func (d dir) beneath(rel string) (dir, error) {
	current := d
	for i, name := range strings.Split(path.Clean(rel), "/") {
		next, err := current.sub(name)
		if i > 0 {
			current.Close()
		}
		if err != nil {
			return dir{}, err
		}
		current = next
	}
	return current, nil
}

// eachSub calls f with each directory in d. Files are passed over, and so is
// what goes away meanwhile.
func eachSub(d dir, f func(dir) error) error {
	names, err := d.list()
	if err != nil {
		return err
	}
	for _, name := range names {
		info, err := d.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			continue
		}
		if err != nil {
			return explain("looking at", d.child(name), err)
		}
		sub, err := d.sub(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = f(sub)
		sub.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
