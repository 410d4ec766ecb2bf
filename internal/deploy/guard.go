// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"fmt"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// mayCreate refuses to create over what belongs to somebody, or to somebody's
// Terraform state.
func mayCreate(portal string, desired *stack.Stack, b *begun) error {
	switch b.manifest.Status {
	case storage.Complete:
		if b.manifest.Gateway != nil {
			return gatewayNameError(portal)
		}
		return existsError("portal", "portal", portal, b.manifest)
	case storage.Foreign:
		return foreignError(desired.Directory)
	}
	if b.manifest.Gateway != nil {
		return gatewayNameError(portal)
	}
	for _, c := range b.observed.Containers {
		if c.StorageID != "" && c.StorageID != b.storageID {
			return otherDriveError(portal, b.observed.Host, c)
		}
	}
	if conflicts := stack.Conflicts(desired, b.observed); len(conflicts) > 0 {
		return conflictError(portal, b.observed.Host, conflicts)
	}
	return nil
}

// mayUpdate refuses to go on without the portal's files: its databases would
// start empty.
func mayUpdate(portal, directory string, m storage.Manifest) error {
	switch m.Status {
	case storage.None:
		return fmt.Errorf("the directory %s of portal %q is gone from the shared drive: starting its databases without their files would begin an empty portal. Put the directory back from a backup and apply again. To begin anew, `terraform state rm` the portal and apply", directory, portal)
	case storage.Foreign:
		return foreignError(directory)
	}
	return nil
}

func gatewayNameError(name string) error {
	return fmt.Errorf("%q is the name of a gateway, and portals and gateways share their names: choose another name for the portal", name)
}

// existsError refuses to make what is there. what it is called, and the type of
// its resource, go into the way out.
func existsError(what, resource, name string, m storage.Manifest) error {
	return fmt.Errorf(`%s %q exists already: it was completed %s by provider %s and is in another Terraform state, or was lost from this one. To manage it here, import it by adding this block beside the resource:

import {
  to = %s.%s # the address of the resource
  id = %q
}

Otherwise choose another name`, what, name, m.Updated.Format("2006-01-02 15:04 MST"), m.Provider, resource, strings.ReplaceAll(name, "-", "_"), name)
}

func otherDriveError(portal, host string, c stack.Container) error {
	return fmt.Errorf("a portal %q runs on host %q already, with its files on another shared drive (container %s mounts drive %s): it is managed with another storage path. Choose another name for the portal, or correct the provider's storage.path", portal, host, c.Name, c.StorageID)
}

func foreignError(directory string) error {
	return fmt.Errorf("the directory %s exists on the shared drive but holds no portal.json: it is not a portal's, so nothing in it was touched. Choose another name for the portal, or move the directory away", directory)
}

func conflictError(portal, host string, conflicts []stack.Foreign) error {
	var b strings.Builder
	fmt.Fprintf(&b, "portal %q needs names that other containers", portal)
	if host != "" {
		fmt.Fprintf(&b, " on host %q", host)
	}
	b.WriteString(" hold:\n")
	for _, f := range conflicts {
		fmt.Fprintf(&b, "  %s (container %.12s, image %s)\n", f.Name, f.ID, f.Image)
	}
	fmt.Fprintf(&b, "They were not made for this portal, so they were not touched. Remove them (`docker rm -f %s`) or rename them, or choose another name for the portal", conflicts[0].Name)
	return fmt.Errorf("%s", b.String())
}
