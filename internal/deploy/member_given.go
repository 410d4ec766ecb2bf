// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// webhookOf is the file of a member's webhook address; empty without one.
func webhookOf(m *stack.Member) string {
	if m.Schedule == "" {
		return ""
	}
	s, err := schedule.Parse(m.Schedule)
	if err != nil {
		return "" // what Join refuses, and no part of the stack has
	}
	return s.Webhook
}

// givenFiles lists the files of the secrets that the user gave with a member:
// what it mounts, and the address of its webhook.
func givenFiles(m *stack.Member) []string {
	if m == nil {
		return nil
	}
	files := slices.Collect(maps.Values(m.GivenSecrets))
	if webhook := webhookOf(m); webhook != "" {
		files = append(files, webhook)
	}
	return files
}

// writeGiven writes the secrets that the user gave: what is mounted for the user
// that the member runs as, and the webhook's address, which the scheduler reads,
// for root alone.
func (c *memberChange) writeGiven(ctx context.Context, desired *stack.Stack, m *stack.Member, given map[string]string) error {
	webhook := webhookOf(m)
	for _, name := range givenFiles(m) {
		content, ok := given[name]
		if !ok {
			continue
		}
		uid, gid := owner(desired.Services[m.Name].User)
		if name == webhook {
			uid, gid = 0, 0
		}
		if err := c.files.WriteSecretFile(ctx, name, []byte(content), uid, gid); err != nil {
			return err
		}
	}
	return nil
}

// owner reads "uid" or "uid:gid"; a name, or nothing, is root.
func owner(user string) (uid, gid int) {
	_, _ = fmt.Sscanf(user, "%d:%d", &uid, &gid)
	return uid, gid
}

// removeGiven removes the files of secrets that a member had and that the one in
// its place, nil for none, does not have: former versions.
func (c *memberChange) removeGiven(ctx context.Context, former, now *stack.Member) error {
	kept := givenFiles(now)
	for _, name := range givenFiles(former) {
		if slices.Contains(kept, name) {
			continue
		}
		if err := c.files.RemoveSecretFile(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
