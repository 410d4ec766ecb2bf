// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// givenStack is the stack with a mailer that reads a given secret.
func (b *bed) givenStack(version int64) (st *stack.Stack, name string) {
	st = b.stack()
	name = stack.GivenName("mail-password", version)
	st.Given = map[string]stack.Given{name: {UID: os.Getuid(), GID: os.Getgid()}}
	st.Services["mailer"] = &stack.Service{
		Name: "mailer", Image: "exim:1", Replicas: 1, Networks: st.Services["mysql"].Networks, Update: stack.StopFirst,
		Mounts: []stack.Mount{{Source: filepath.Join(st.Directory, "secrets/given", name), Target: "/password", ReadOnly: true}},
	}
	return st, name
}

// given lists the given secrets on the drive.
func (b *bed) given() []string {
	b.t.Helper()
	entries, err := os.ReadDir(filepath.Join(b.drive, "acme/secrets/given"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestGivenSecretsOfThePortal(t *testing.T) {
	b := newBed(t)
	st, first := b.givenStack(1)
	// Containers find the file when they are made.
	b.fake.Fail = func(op *stack.Operation) error {
		if op.Container == "acme-mailer-1" && !b.exists("acme/secrets/given/"+first) {
			t.Error("the mailer was made before its secret was written")
		}
		return nil
	}
	if _, err := b.Create(t.Context(), b.spec(), st, map[string]string{first: "hunter-one", "other": "x"}); err != nil {
		t.Fatal(err)
	}
	b.fake.Fail = nil
	if got := b.read("acme/secrets/given/" + first); got != "hunter-one" {
		t.Errorf("the secret is %q", got)
	}
	if got := b.given(); !slices.Equal(got, []string{first}) {
		t.Errorf("given are %v: only what the stack reads is written", got)
	}

	// Not given again, it stays.
	if _, err := b.Update(t.Context(), b.spec(), st, nil); err != nil {
		t.Fatal(err)
	}
	if got := b.read("acme/secrets/given/" + first); got != "hunter-one" {
		t.Errorf("the secret is now %q", got)
	}

	// Another version: the former file goes, a member's stays.
	if err := os.WriteFile(filepath.Join(b.drive, "acme/secrets/given/service-chat-key-v1"), []byte("key"), 0o400); err != nil {
		t.Fatal(err)
	}
	st, second := b.givenStack(2)
	if _, err := b.Update(t.Context(), b.spec(), st, map[string]string{second: "hunter-two"}); err != nil {
		t.Fatal(err)
	}
	if got := b.given(); !slices.Equal(got, []string{second, "service-chat-key-v1"}) {
		t.Errorf("given are %v", got)
	}
	for _, place := range []string{"acme/portal.json", "acme/records/stack.json"} {
		if strings.Contains(b.read(place), "hunter") {
			t.Errorf("%s shows a secret", place)
		}
	}

	// None any more.
	if _, err := b.Update(t.Context(), b.spec(), b.stack(), nil); err != nil {
		t.Fatal(err)
	}
	if got := b.given(); !slices.Equal(got, []string{"service-chat-key-v1"}) {
		t.Errorf("given are %v", got)
	}
}

func TestGivenSecretThatIsNotThere(t *testing.T) {
	b := newBed(t)
	st, name := b.givenStack(1)
	_, err := b.Create(t.Context(), b.spec(), st, nil)
	wantError(t, err, "secrets/given/"+name, "not on the shared drive", "version")
	if len(b.ids()) > 0 || b.exists("acme/portal.json") {
		t.Error("something was made all the same")
	}
	if _, err := b.Create(t.Context(), b.spec(), st, map[string]string{name: "hunter-one"}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(b.drive, "acme/secrets/given", name)); err != nil {
		t.Fatal(err)
	}
	before := b.ids()
	_, err = b.Update(t.Context(), b.spec(), st, nil)
	wantError(t, err, "secrets/given/"+name)
	if now := b.ids(); now["acme-mailer-1"] != before["acme-mailer-1"] {
		t.Error("the mailer was touched")
	}
}

// A mailer that does not come up is rolled back to, and its secret is there; what
// the failed one had goes with the next success.
func TestGivenSecretOfAFailedUpdate(t *testing.T) {
	b := newBed(t)
	st, first := b.givenStack(1)
	if _, err := b.Create(t.Context(), b.spec(), st, map[string]string{first: "hunter-one"}); err != nil {
		t.Fatal(err)
	}
	st, second := b.givenStack(2)
	b.fake.Fail = func(op *stack.Operation) error {
		if op.Kind == stack.WaitHealthy && op.Container == "acme-mailer-1" {
			return errors.New("it says hunter-two")
		}
		return nil
	}
	_, err := b.Update(t.Context(), b.spec(), st, map[string]string{second: "hunter-two"})
	wantError(t, err, "it says (secret)")
	b.fake.Fail = nil
	if got := b.given(); !slices.Equal(got, []string{first, second}) {
		t.Errorf("given are %v", got)
	}
	st, third := b.givenStack(3)
	if _, err := b.Update(t.Context(), b.spec(), st, map[string]string{third: "hunter-three"}); err != nil {
		t.Fatal(err)
	}
	if got := b.given(); !slices.Equal(got, []string{third}) {
		t.Errorf("given are %v", got)
	}
}
