// SPDX-License-Identifier: MPL-2.0

// Package storage reads and writes a portal's directory on the shared drive.
//
// Terraform runs far from the drive. A Session talks to a file agent (package
// agent) that runs in a container on a host where the drive is mounted. What
// must be atomic, or must not leave the drive, happens in the agent: a secret
// is generated there, and crosses the pipe only when GeneratedSecrets asks for
// it. A Reader reads all portals through one agent, which cannot write.
//
// The drive:
//
//	.portal-storage           the drive's id
//	.locks/<portal>           the lock of a portal
//	.portal-agent/<hash>      the provider's own program, for services with a lease
//	.archive/<portal>-<time>  portals put away by on_destroy = "archive"
//	<portal>/
//	  portal.json             the manifest
//	  ansible_overrides.yml   link to overrides/ansible_overrides.yml
//	  overrides/              written by people, by Terraform and by add-ons
//	  overrides/.lock         locked by who writes there, see below
//	  config/<hash>/          files of the blueprint, by their content
//	  secrets/<name>          generated once
//	  secrets/given/<name>    given by the user
//	  secrets/<hash>/         files of the blueprint with secrets filled in
//	  ingress/config.json     the load balancer's routes, of all parts of the stack
//	  records/<name>.json     what the provider remembers beyond Terraform's state
//	  data/<volume>/          what the services keep
//	  leases/<volume>/        who may run a server on data/<volume>
//	  backups/
//
// No container mounts records/ or portal.json; of secrets/, a container mounts
// the single files that it needs.
//
// # The portal's lock
//
// A lock is beside the portals, not in the portal's directory: it must work
// before that directory is made and while it is archived or deleted, and no
// container can reach it.
//
// A session goes in this order: Drive, then Lock, then what writes. The agent
// refuses what comes too early.
//
// # Other writers of the overrides
//
// A program that edits overrides/ansible_overrides.yml, in a container or on a
// host, loses no change, and makes nobody lose one, if it does this:
//
//  1. open overrides/.lock for reading and writing, without replacing it, and
//     take an exclusive flock(2) on it;
//  2. read the file;
//  3. write the new content to a new file in overrides/, fsync it, and rename it
//     to ansible_overrides.yml;
//  4. close .lock.
//
// All four belong together: what was read before the lock was taken may have
// changed since. In a shell that is
//
//	flock overrides/.lock edit-the-overrides
//
// NFS 4 carries these locks from host to host, unless it is mounted with the
// option local_lock. They are advisory: a program that takes none is not kept
// out. The agent takes the lock around its own check and replacement, waits for
// it up to five seconds, and then fails. Names that begin with .tmp- are its own.
//
// Of programs that do not take the lock, this is what remains:
//
//   - One that replaces the file by a rename: WriteFile sees its change until the
//     moment before its own rename. A change between the two, some microseconds
//     later, is lost. Whether the program itself overwrites what WriteFile wrote
//     depends on how long it is between its own reading and renaming.
//   - One that writes into the file in place: the same, and what it writes
//     through a file that it opened before the replacement goes to the file that
//     is no longer there. Meanwhile others may read half of what it writes.
//
// WriteFile itself never leaves a mixture behind: it puts a whole content there,
// or nothing.
package storage
