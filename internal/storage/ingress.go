// SPDX-License-Identifier: MPL-2.0

package storage

import (
	"context"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// IngressFiles are what a load balancer's configuration names: certificates and
// the keys that belong to them.
type IngressFiles struct {
	// Public files by name.
	Public map[string][]byte
	// Private names files that the load balancer's user alone may read, with the
	// Contents of those that are to be written; the others must be there.
	Private  []string
	Contents map[string][]byte
	UID, GID int
}

// names of all the files.
func (f IngressFiles) names() []string {
	names := append([]string(nil), f.Private...)
	for name := range f.Public {
		names = append(names, name)
	}
	return names
}

// WriteIngressFiles puts files into stack.IngressFolder, which Prepare must have
// made. It needs the portal's lock.
func (s *Session) WriteIngressFiles(ctx context.Context, f IngressFiles) error {
	if len(f.Public)+len(f.Private) == 0 {
		return nil
	}
	args := wire.WriteIngressFilesArgs{Public: f.Public, Private: f.Private, Contents: f.Contents, UID: f.UID, GID: f.GID}
	return s.call(ctx, "writing the load balancer's certificates", "WriteIngressFiles", args, &wire.None{})
}

// WriteIngress makes or replaces configurations of load balancers in
// stack.IngressFolder, by the names of their files. It needs the portal's lock.
func (s *Session) WriteIngress(ctx context.Context, configs map[string][]byte) error {
	return s.call(ctx, "writing the load balancer's configuration", "WriteIngress", wire.WriteIngressArgs{Configs: configs}, &wire.None{})
}

// PruneIngress removes what is in stack.IngressFolder beside the named
// configurations and the files of f. It needs the portal's lock.
func (s *Session) PruneIngress(ctx context.Context, f IngressFiles, configs ...string) error {
	args := wire.PruneIngressArgs{Keep: append(f.names(), configs...)}
	return s.call(ctx, "pruning the load balancer's certificates", "PruneIngress", args, &wire.None{})
}
