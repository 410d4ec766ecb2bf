// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// anyMember draws a member of the built-in blueprint that can be joined.
func anyMember(t *rapid.T) stack.Member {
	m := stack.Member{
		Kind: rapid.SampledFrom([]stack.MemberKind{stack.MemberService, stack.MemberTask, stack.MemberBackup}).Draw(t, "kind"),
		Name: rapid.StringMatching(`chat[a-z]{0,5}`).Draw(t, "name"),
		From: rapid.SampledFrom([]string{"lms", "cms-workers", "nginx", "memcached", "backup", "reindex", "edxapp-migrations", ""}).Draw(t, "from"),
	}
	maybe := func(name string, set func()) {
		if rapid.Bool().Draw(t, name) {
			set()
		}
	}
	if m.From == "" || rapid.Bool().Draw(t, "another image") {
		m.Image = "acme/chat:1"
	}
	maybe("command", func() { m.Command = []string{"serve"} })
	maybe("no command", func() { m.Command = []string{} })
	maybe("entrypoint", func() { m.Entrypoint = []string{"/chat"} })
	maybe("environment", func() { m.Environment = map[string]string{"A": rapid.String().Filter(noNUL).Draw(t, "a")} })
	maybe("volumes", func() {
		m.Volumes = map[string]stack.MemberVolume{
			"/data": {Name: rapid.SampledFrom([]string{"own", "media", "overrides", "backups"}).Draw(t, "volume"), ReadOnly: rapid.Bool().Draw(t, "read only")},
		}
	})
	maybe("secrets", func() { m.SecretFiles = map[string]string{"/s": `[[ secret "mysql-root" ]] [[secret "new"]]`} })
	maybe("given", func() { m.GivenSecrets = map[string]string{"/g": "given-v1"} })
	maybe("read-only", func() { m.ReadOnly = true })
	maybe("depends", func() { m.DependsOn = []string{"redis", "mysql"} })
	if m.Kind == stack.MemberService {
		maybe("routes", func() { m.Routes = []stack.Route{{Host: "chat.acme.com", Port: 80}} })
		maybe("restart", func() { m.RestartOn = []string{stack.RestartOnOverrides} })
		return m
	}
	switch rapid.IntRange(0, 2).Draw(t, "when") {
	case 0:
		m.RunOn = map[string]string{"a": "1"}
	case 1:
		m.Schedule = "{}"
	default:
		m.RunOn = map[string]string{}
	}
	return m
}

func noNUL(s string) bool {
	for _, r := range s {
		if r == 0 {
			return false
		}
	}
	return true
}

type failer interface {
	Helper()
	Fatal(args ...any)
}

func text(t failer, value any) []byte {
	t.Helper()
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// through sends a value through a record on the drive.
func through[T any](t failer, value T) T {
	t.Helper()
	var back T
	if err := json.Unmarshal(text(t, value), &back); err != nil {
		t.Fatal(err)
	}
	return back
}

// A member is joined the same way to the stack that was just built and to the
// one that a record holds, which need not have the files; base stays as it was,
// whatever is done to the result.
func TestJoinIsPure(t *testing.T) {
	base := mustBuild(t, demoSpec())
	pristine := text(t, base)
	record := *base
	record.Files = nil
	rapid.Check(t, func(t *rapid.T) {
		m := anyMember(t)
		part, err := Join(base, m)
		if err != nil {
			t.Fatal(err)
		}
		recorded := through(t, &record)
		again, err := Join(recorded, through(t, m), part)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(part, again) {
			t.Fatalf("from the record it becomes\n%+v\nand not\n%+v", again.Services[m.Name], part.Services[m.Name])
		}
		if a, b := stack.Digest(part.Services[m.Name]), stack.Digest(through(t, part).Services[m.Name]); a != b {
			t.Fatalf("the digest is %s, and %s in a record", a, b)
		}
		spoil(reflect.ValueOf(part))
		if !bytes.Equal(text(t, base), pristine) {
			t.Fatal("base shares something with the result")
		}
	})
}

// spoil changes all that a value points to.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			spoil(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			spoil(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			spoil(v.MapIndex(key))
			v.SetMapIndex(key, reflect.Zero(v.Type().Elem()))
		}
	case reflect.String:
		if v.CanSet() {
			v.SetString("spoilt")
		}
	case reflect.Int, reflect.Int64:
		if v.CanSet() {
			v.SetInt(-1)
		}
	}
}

// What a member's part names is there: its networks, and what it mounts.
func TestMembersAreSound(t *testing.T) {
	base := mustBuild(t, demoSpec())
	rapid.Check(t, func(t *rapid.T) {
		m := anyMember(t)
		part, err := Join(base, m)
		if err != nil {
			t.Fatal(err)
		}
		if part.Owner != m.Owner() || part.Portal != base.Portal || part.Directory != base.Directory || len(part.Services) != 1 || part.Ingress != nil {
			t.Fatalf("the part is of %q, with %v", part.Owner, sortedKeys(part.Services))
		}
		s := part.Services[m.Name]
		for name := range s.DependsOn {
			if base.Services[name] == nil {
				t.Errorf("it waits for %s, which nobody has", name)
			}
		}
		for name := range s.Networks {
			if _, ok := part.Networks[name]; !ok {
				t.Errorf("network %s is not in the part", name)
			}
		}
		for i, mount := range s.Mounts {
			if i > 0 && s.Mounts[i-1].Target >= mount.Target {
				t.Errorf("mounts are not in order at %s", mount.Target)
			}
			rel, ok := relativeTo(base, mount)
			if ok && !provided(base, rel) && !provided(part, rel) && rel != "secrets/given/given-v1" && rel != "backups" && rel != "overrides" {
				t.Errorf("nobody makes the source of the mount %s", mount.Source)
			}
		}
	})
}

func relativeTo(base *stack.Stack, m stack.Mount) (string, bool) {
	j := joiner{base: base}
	return j.relative(m)
}
