// SPDX-License-Identifier: MPL-2.0

package member

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Times allowed unless the attribute timeouts says otherwise.
const (
	WriteTimeout = 30 * time.Minute
	ReadTimeout  = 2 * time.Minute
)

// Create brings a member up that is not there yet. What an earlier create began
// is finished; what was finished is another resource's, and refused.
func Create(ctx context.Context, c *client.Client, portal string, m stack.Member, given map[string]string, limit time.Duration) (deploy.MemberState, diag.Diagnostics) {
	if !c.Ready() {
		return deploy.MemberState{}, diag.Diagnostics{client.NotReady("Creating a " + string(m.Kind))}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	did := "creating " + Title(m)
	before, found, err := c.Deployer.ReadMember(ctx, portal, m.Owner())
	if err != nil && !errors.Is(err, deploy.ErrNoPortal) {
		return deploy.MemberState{}, diag.Diagnostics{client.Failure(portal, did, client.TimedOut(ctx, err, "create", limit))}
	}
	if !c.Planned.Claim(portal, m.Owner()) || (found && !before.Unfinished) {
		return deploy.MemberState{}, diag.Diagnostics{refusal(portal, m)}
	}
	return apply(ctx, c, portal, m, given, did, "create", limit)
}

// Update leads a member to where it should be. Next to an error the result tells
// what runs, as far as that could be found out.
func Update(ctx context.Context, c *client.Client, portal string, m stack.Member, given map[string]string, limit time.Duration) (deploy.MemberState, diag.Diagnostics) {
	if !c.Ready() {
		return deploy.MemberState{}, diag.Diagnostics{client.NotReady("Updating a " + string(m.Kind))}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return apply(ctx, c, portal, m, given, "updating "+Title(m), "update", limit)
}

func apply(ctx context.Context, c *client.Client, portal string, m stack.Member, given map[string]string, did, attribute string, limit time.Duration) (deploy.MemberState, diag.Diagnostics) {
	result, err := c.Deployer.ApplyMember(ctx, portal, m, given)
	diags := client.Warnings(portal, result.Warnings)
	if err != nil {
		diags.Append(Problems(portal, did, client.TimedOut(ctx, err, attribute, limit))...)
	}
	return result, diags
}

// Read tells what is there of a member. It is false when nothing is, as when the
// portal was removed. The client must be ready; see NotRead.
func Read(ctx context.Context, c *client.Client, portal, owner string, limit time.Duration) (deploy.MemberState, bool, diag.Diagnostics) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	result, found, err := c.Deployer.ReadMember(ctx, portal, owner)
	if errors.Is(err, deploy.ErrNoPortal) {
		return deploy.MemberState{}, false, nil
	}
	if err != nil {
		return deploy.MemberState{}, false, diag.Diagnostics{
			client.Failure(portal, "reading "+titleOf(owner), client.TimedOut(ctx, err, "read", limit)),
		}
	}
	return result, found, client.Warnings(portal, result.Warnings)
}

// NotRead warns that the hosts could not be asked.
func NotRead(portal, owner string) diag.Diagnostic {
	return diag.NewWarningDiagnostic(
		fmt.Sprintf("Portal %s: %s was not read", portal, titleOf(owner)),
		"A value in the provider block is known only after apply, so its host could not be asked: "+
			"the plan compares with the last known state.")
}

// Remove takes a member down. One that is gone already is no error.
func Remove(ctx context.Context, c *client.Client, portal, owner string, limit time.Duration) diag.Diagnostics {
	if !c.Ready() {
		return diag.Diagnostics{client.NotReady("Destroying " + titleOf(owner))}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	err := c.Deployer.RemoveMember(ctx, portal, owner)
	if err == nil || errors.Is(err, deploy.ErrNoPortal) {
		return nil
	}
	return diag.Diagnostics{client.Failure(portal, "destroying "+titleOf(owner), client.TimedOut(ctx, err, "delete", limit))}
}

// Import finds a member on the drive.
func Import(ctx context.Context, c *client.Client, portal, owner string) (deploy.MemberState, diag.Diagnostics) {
	if !c.Ready() {
		return deploy.MemberState{}, diag.Diagnostics{client.NotReady("Importing " + titleOf(owner))}
	}
	result, found, diags := Read(ctx, c, portal, owner, ReadTimeout)
	if !found && !diags.HasError() {
		diags.AddError(fmt.Sprintf("Portal %s: there is no %s", portal, titleOf(owner)),
			"The shared drive has no record of it, or the portal itself is gone. Check the id, which is \"<portal>/<name>\", and the provider's storage path.")
	}
	return result, diags
}

func refusal(portal string, m stack.Member) diag.Diagnostic {
	return diag.NewErrorDiagnostic(
		fmt.Sprintf("Portal %s has a %s already", portal, Title(m)),
		fmt.Sprintf("It was made by another resource, of this configuration or of another one. Take another name, or, if it is to be managed here from now on:\n\n"+
			"import {\n  to = portal_%s.<name>\n  id = %q\n}", resourceKind(m.Kind), IDOf(portal, m.Name)))
}

// resourceKind is the end of the resource's type.
func resourceKind(kind stack.MemberKind) string {
	if kind == stack.MemberBackup {
		return "backup_schedule"
	}
	return string(kind)
}
