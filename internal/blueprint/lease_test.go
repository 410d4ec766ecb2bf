// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"context"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// db is a service that has its data for itself, with more of x-portal and more
// attributes.
func db(extension, attributes string) string {
	return `
services:
  db:
    image: mysql
    user: "999:998"
    x-portal: {lease: data` + extension + `}
    volumes: ["data:/var/lib/mysql", "backups:/backups", "read:/read:ro"]
` + attributes + `
volumes:
  data: {}
  read: {}
  backups: {x-portal: {folder: backups}}
`
}

func TestLease(t *testing.T) {
	st, err := Build(context.Background(), userSpec(t, db("", "")), testOptions)
	if err != nil {
		t.Fatal(err)
	}
	s := st.Services["db"]
	if want := testOptions.StoragePath + "/acme/leases/data"; s.Lease != want {
		t.Errorf("the lease is at %q, want %q", s.Lease, want)
	}
	if got, want := st.Directories["leases/data"], (stack.Directory{UID: 999, GID: 998, Mode: 0o700}); got != want {
		t.Errorf("its directory is %+v, want %+v", got, want)
	}
	// It is part of what a container is made from; the program that keeps it is not.
	without := *s
	without.Lease = ""
	if stack.Digest(&without) == stack.Digest(s) {
		t.Error("a lease does not change the digest")
	}

	// Who takes after the service has its data read-only, and no lease.
	part, err := Join(st, stack.Member{Kind: stack.MemberTask, Name: "look", From: "db", Volumes: map[string]stack.MemberVolume{
		"/var/lib/mysql": {Name: "data", ReadOnly: true}, "/backups": {Name: "backups", ReadOnly: true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := part.Services["look"].Lease; got != "" {
		t.Errorf("the member has the lease %q", got)
	}
}

func TestLeasesRefused(t *testing.T) {
	for name, tt := range map[string]struct{ compose, at, hint string }{
		"not a volume":     {strings.Replace(db("", ""), "lease: data", "lease: dta", 1), "services.db.x-portal.lease", `Did you mean "data"?`},
		"another's volume": {strings.Replace(db("", ""), "lease: data", "lease: other", 1) + "  other: {}\n", "services.db.x-portal.lease", "not a volume that db mounts"},
		"read-only":        {strings.Replace(db("", ""), "lease: data", "lease: read", 1), "services.db.x-portal.lease", "read-only"},
		"a folder":         {strings.Replace(db("", ""), "lease: data", "lease: backups", 1), "services.db.x-portal.lease", "the folder backups"},
		"no text":          {strings.Replace(db("", ""), "lease: data", "lease: [data]", 1), "services.db.x-portal.lease", "as a text"},
		"a task":           {db(", task: deploy", ""), "services.db.x-portal.lease", "is a task"},
		"replicas":         {db("", "    deploy: {replicas: 2}"), "services.db.x-portal.lease", "one container at a time"},
		"start-first":      {db("", "    deploy: {update_config: {order: start-first}}"), "services.db.x-portal.lease", "stop-first"},
		"a mount in its place": {
			db("", `    tmpfs: ["/.portal/lease"]`), "services.db", "choose another place",
		},
		"two services": {
			strings.Replace(db("", ""), "services:", "services:\n  also: {image: mysql, user: \"999:998\", x-portal: {lease: data}, volumes: [\"data:/x\"]}", 1),
			"services.db.x-portal.lease", "another service has the lease",
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := problems(t, userSpec(t, tt.compose))
			if text := found.Error(); !strings.Contains(text, tt.at) || !strings.Contains(text, tt.hint) {
				t.Errorf("no problem at %s with %q in:\n%s", tt.at, tt.hint, text)
			}
		})
	}
	two := 2
	spec := userSpec(t, db("", ""))
	spec.Services = map[string]stack.Tuning{"db": {Replicas: &two}}
	if found := problems(t, spec); len(found) != 1 || found[0].Attribute != "services.db.replicas" {
		t.Errorf("two replicas in the resource: %v", found)
	}
}
