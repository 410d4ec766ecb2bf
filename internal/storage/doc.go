// SPDX-License-Identifier: MPL-2.0

// Package storage reads and writes a portal's directory on the shared drive.
//
// Terraform runs far from the drive. A Session talks to a file agent (package
// agent) that runs in a container on a host where the drive is mounted. What
// must be atomic, or must not leave the drive, happens in the agent: a secret
// is generated there and never crosses the pipe.
//
// The drive:
//
//	.portal-storage           the drive's id
//	.locks/<portal>           the lock of a portal
//	.archive/<portal>-<time>  portals put away by on_destroy = "archive"
//	<portal>/
//	  portal.json             the manifest
//	  ansible_overrides.yml   link to overrides/ansible_overrides.yml
//	  overrides/              written by people, by Terraform and by add-ons
//	  config/<hash>/          files of the blueprint, by their content
//	  secrets/<name>          generated once
//	  secrets/<hash>/         files of the blueprint with secrets filled in
//	  data/<volume>/          what the services keep
//	  backups/
//
// A lock is beside the portals, not in the portal's directory: it must work
// before that directory is made and while it is archived or deleted, and no
// container can reach it.
//
// A session goes in this order: Drive, then Lock, then what writes. The agent
// refuses what comes too early.
package storage
