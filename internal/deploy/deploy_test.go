// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine/fake"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// bed is a drive, an engine on it and a deployer.
type bed struct {
	*Deployer
	t     *testing.T
	fake  *fake.Engine
	drive string
}

func newBed(t *testing.T) *bed {
	drive := t.TempDir()
	e := fake.New(drive)
	return &bed{Deployer: &Deployer{Engine: e, StoragePath: drive, Version: "test"}, t: t, fake: e, drive: drive}
}

func (b *bed) spec() stack.Spec {
	return stack.Spec{Name: "acme", Domain: "learn.acme.com", OnDestroy: stack.Retain}
}

// stack is a database, a migration and a web service.
func (b *bed) stack() *stack.Stack {
	dir := filepath.Join(b.drive, "acme")
	net := map[string][]string{"acme_default": nil}
	return &stack.Stack{
		Portal: "acme", Directory: dir,
		Networks:    map[string]stack.Network{"acme_default": {Name: "acme_default"}},
		Secrets:     map[string]stack.Secret{"db": {}},
		Directories: map[string]stack.Directory{"data/mysql": {Mode: 0o700}},
		Files: map[string]stack.File{
			"config/0123456789ab/app.conf":  {Content: []byte("a=1\n"), Mode: 0o444},
			"secrets/0123456789ab/app.conf": {Content: []byte(`password=[[ secret "db" ]]`), Mode: 0o400, Template: true},
		},
		Services: map[string]*stack.Service{
			"mysql": {Name: "mysql", Image: "mysql:8", Replicas: 1, Networks: net, Update: stack.StopFirst},
			"migrate": {
				Name: "migrate", Image: "app:1", Replicas: 1, Networks: net, Task: &stack.Task{When: stack.Deploy},
				DependsOn: map[string]stack.Condition{"mysql": stack.Healthy},
			},
			"web": {
				Name: "web", Image: "app:1", Replicas: 2, Networks: net, Update: stack.StartFirst,
				DependsOn: map[string]stack.Condition{"migrate": stack.Completed},
			},
		},
	}
}

func (b *bed) mustCreate() Result {
	b.t.Helper()
	r, err := b.Create(b.t.Context(), b.spec(), b.stack(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// unlabelled finds no drive on the pool, as an engine does whose storage path
// is another one.
type unlabelled struct{ *fake.Engine }

func (unlabelled) StorageID(context.Context) (string, error) { return "", nil }

func (b *bed) read(path string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.drive, path))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

func (b *bed) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(b.drive, path))
	return err == nil
}

func (b *bed) ids() map[string]string {
	b.t.Helper()
	o, err := b.fake.Observe(b.t.Context(), "acme")
	if err != nil {
		b.t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range o.Containers {
		out[c.Name] = c.ID
	}
	return out
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error does not say %q:\n%v", p, err)
		}
	}
}

func TestCreateBringsUpAndWritesDown(t *testing.T) {
	b := newBed(t)
	r := b.mustCreate()
	if want := stack.Summarize(b.stack()); !maps.Equal(r.Services, want) {
		t.Errorf("services are %v, want %v", r.Services, want)
	}
	if secret := b.read("acme/secrets/db"); b.read("acme/secrets/0123456789ab/app.conf") != "password="+secret {
		t.Error("the secret is not in the rendered file")
	}
	if manifest := b.read("acme/portal.json"); !strings.Contains(manifest, `"complete"`) || strings.Contains(manifest, b.read("acme/secrets/db")) {
		t.Errorf("manifest is %s", manifest)
	}
	if b.exists(".locks/acme") {
		t.Error("the lock is still there")
	}
}

func TestCreateRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Run("complete portal", func(t *testing.T) {
		b := newBed(t)
		b.mustCreate()
		_, err := b.Create(t.Context(), b.spec(), b.stack(), nil)
		wantError(t, err, `"acme" exists already`, "import {", `id = "acme"`)
	})
	t.Run("foreign directory", func(t *testing.T) {
		b := newBed(t)
		other := &Deployer{Engine: b.Engine, Version: "test"}
		spec, st := b.spec(), b.stack()
		spec.Name, st.Portal, st.Directory = "other", "other", filepath.Join(b.drive, "other")
		if _, err := other.Create(t.Context(), spec, st, nil); err != nil {
			t.Fatal(err) // the drive is in use
		}
		if err := os.Mkdir(filepath.Join(b.drive, "acme"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := b.Create(t.Context(), b.spec(), b.stack(), nil)
		wantError(t, err, filepath.Join(b.drive, "acme"), "holds no portal.json")
		if entries, _ := os.ReadDir(filepath.Join(b.drive, "acme")); len(entries) != 0 {
			t.Errorf("something was written: %v", entries)
		}
	})
	t.Run("portal on another drive", func(t *testing.T) {
		b := newBed(t)
		b.mustCreate()
		before := b.ids()
		b.drive = t.TempDir()
		b.fake.Drive = b.drive
		b.StorageID = ""
		other := &bed{Deployer: &Deployer{Engine: unlabelled{b.fake}, Version: "test"}, t: t, fake: b.fake, drive: b.drive}
		_, err := other.Create(t.Context(), other.spec(), other.stack(), nil)
		wantError(t, err, "another shared drive", "acme-", "storage.path")
		if !maps.Equal(before, other.ids()) {
			t.Error("containers of the other drive's portal were touched")
		}
	})
	t.Run("foreign container", func(t *testing.T) {
		b := newBed(t)
		b.fake.Add("", stack.Container{Name: "acme-web-1", Image: "nginx"})
		_, err := b.Create(t.Context(), b.spec(), b.stack(), nil)
		wantError(t, err, "acme-web-1", "image nginx", "docker rm")
		if b.exists("acme") {
			t.Error("the portal's directory was made")
		}
	})
}

func TestCreateWithAnImageThatIsNotThereLeavesNothing(t *testing.T) {
	b := newBed(t)
	b.fake.Fail = func(op *stack.Operation) error {
		if op.Kind == stack.EnsureImage && op.Target == "mysql:8" {
			return errors.New("no such image")
		}
		return nil
	}
	_, err := b.Create(t.Context(), b.spec(), b.stack(), nil)
	wantError(t, err, "no such image")
	if b.exists("acme") || len(b.ids()) > 0 {
		t.Error("something was made")
	}
}

func TestCreateGoesOnWhereItWasCutOff(t *testing.T) {
	b := newBed(t)
	b.fake.ExitCode = func(string) int { return 3 }
	_, err := b.Create(t.Context(), b.spec(), b.stack(), nil)
	wantError(t, err, "exit code 3", "acme-migrate")
	if !strings.Contains(b.read("acme/portal.json"), `"incomplete"`) {
		t.Error("the manifest does not say incomplete")
	}
	before, secret := b.ids(), b.read("acme/secrets/db")

	b.fake.ExitCode = nil
	b.fake.Ran()
	b.mustCreate()
	if after := b.ids(); !maps.Equal(before, after) {
		t.Errorf("containers were replaced: %v, then %v", before, after)
	}
	for _, id := range b.fake.Ran() {
		if strings.Contains(id, "mysql") {
			t.Errorf("the database was right already, but: %s", id)
		}
	}
	if b.read("acme/secrets/db") != secret {
		t.Error("the secret changed")
	}
}

func TestDestroyKeepsArchivesOrDeletes(t *testing.T) {
	for _, tc := range []struct {
		policy stack.OnDestroy
		kept   string // where the rows are afterwards, empty for nowhere
	}{
		{stack.Retain, "acme/data/mysql/rows"},
		{stack.Archive, ".archive/acme-*/data/mysql/rows"},
		{stack.Delete, ""},
	} {
		t.Run(string(tc.policy), func(t *testing.T) {
			b := newBed(t)
			b.mustCreate()
			if err := os.WriteFile(filepath.Join(b.drive, "acme/data/mysql/rows"), []byte("1"), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // what is gone already is no error
				if err := b.Delete(t.Context(), "acme", tc.policy); err != nil {
					t.Fatal(err)
				}
			}
			if o, _ := b.fake.Observe(t.Context(), "acme"); len(o.Containers) > 0 || len(o.Networks) > 0 {
				t.Errorf("left over: %v %v", o.Containers, o.Networks)
			}
			if tc.kept == "" {
				if b.exists("acme") || b.exists(".archive") {
					t.Error("files are still there")
				}
				return
			}
			if found, _ := filepath.Glob(filepath.Join(b.drive, tc.kept)); len(found) != 1 {
				t.Errorf("%s: found %v", tc.kept, found)
			}
		})
	}
}

func TestRetainedPortalComesBackWithItsSecrets(t *testing.T) {
	b := newBed(t)
	b.mustCreate()
	secret := b.read("acme/secrets/db")
	if err := b.Delete(t.Context(), "acme", stack.Retain); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Import(t.Context(), "acme"); err == nil || !strings.Contains(err.Error(), "retained") {
		t.Errorf("import of a retained portal: %v", err)
	}
	if _, found, err := b.Read(t.Context(), "acme"); found || err != nil {
		t.Errorf("read found a retained portal (%v)", err)
	}
	b.mustCreate()
	if b.read("acme/secrets/db") != secret {
		t.Error("the secret changed")
	}
}

func TestUpdateTouchesOnlyWhatChanged(t *testing.T) {
	b := newBed(t)
	b.mustCreate()
	b.fake.Ran()
	if _, err := b.Update(t.Context(), b.spec(), b.stack(), nil); err != nil {
		t.Fatal(err)
	}
	if ran := b.fake.Ran(); len(ran) > 0 {
		t.Errorf("nothing changed, but %v ran", ran)
	}
	before, st := b.ids(), b.stack()
	st.Services["web"].Environment = map[string]string{"A": "1"}
	if _, err := b.Update(t.Context(), b.spec(), st, nil); err != nil {
		t.Fatal(err)
	}
	after := b.ids()
	if before["acme-mysql-1"] != after["acme-mysql-1"] || before["acme-migrate"] != after["acme-migrate"] {
		t.Error("more than web was replaced")
	}
	if before["acme-web-1"] == after["acme-web-1"] || len(after) != len(before) {
		t.Errorf("web was not replaced, or something is left over: %v", after)
	}
}

func TestUpdateThatFailsTellsWhatRuns(t *testing.T) {
	b := newBed(t)
	before := b.mustCreate()
	b.fake.Fail = func(op *stack.Operation) error {
		if op.Kind == stack.WaitHealthy && op.Container == "acme-mysql-1" && op.ContainerID == "" {
			return errors.New("unhealthy")
		}
		return nil
	}
	st, spec := b.stack(), b.spec()
	st.Services["mysql"].Image, spec.Images = "mysql:9", map[string]string{"mysql": "mysql:9"}
	r, err := b.Update(t.Context(), spec, st, nil)
	wantError(t, err, "unhealthy", "former container of mysql serves as before")
	if !maps.Equal(r.Services, before.Services) {
		t.Errorf("services are %v, want %v", r.Services, before.Services)
	}
	if strings.Contains(b.read("acme/portal.json"), "mysql:9") {
		t.Error("the manifest tells of an update that failed")
	}
}

func TestUpdateWithoutTheFilesIsRefused(t *testing.T) {
	b := newBed(t)
	b.mustCreate()
	if err := os.RemoveAll(filepath.Join(b.drive, "acme")); err != nil {
		t.Fatal(err)
	}
	_, err := b.Update(t.Context(), b.spec(), b.stack(), nil)
	wantError(t, err, "gone from the shared drive")
	if b.exists("acme") {
		t.Error("an empty directory was made in its place")
	}
}

func TestUpdateSetsAForeignContainerAside(t *testing.T) {
	b := newBed(t)
	b.mustCreate()
	b.fake.Change("acme-web-1", func(c *stack.Container) { c.Name = "elsewhere" })
	b.fake.Add("", stack.Container{Name: "acme-web-1", Image: "debug", State: stack.Running})
	b.fake.Change("elsewhere", func(c *stack.Container) { c.State = stack.Dead })
	r, err := b.Update(t.Context(), b.spec(), b.stack(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "acme-web-1.foreign-") {
		t.Errorf("warnings are %q", r.Warnings)
	}
	if want := stack.Summarize(b.stack()); !maps.Equal(r.Services, want) {
		t.Errorf("services are %v, want %v", r.Services, want)
	}
}

func TestReadKeepsAPortalWhoseContainersAreGone(t *testing.T) {
	b := newBed(t)
	b.mustCreate()
	b.fake = fake.New(b.drive)
	b.Engine = b.fake
	r, found, err := b.Read(t.Context(), "acme")
	if err != nil || !found || len(r.Services) != 0 {
		t.Errorf("got %v, %v, %v: want found, with nothing running", r, found, err)
	}
}

func TestReadNeverTakesAnEmptyDriveIntoUse(t *testing.T) {
	b := newBed(t)
	_, _, err := b.Read(t.Context(), "acme")
	wantError(t, err, b.drive)
	if entries, _ := os.ReadDir(b.drive); len(entries) != 0 {
		t.Errorf("something was written: %v", entries)
	}
}

func TestImportGivesBackTheSpec(t *testing.T) {
	b := newBed(t)
	spec := b.spec()
	spec.Images = map[string]string{"edxapp": "app:1"}
	two := 2
	spec.Services = map[string]stack.Tuning{"web": {Replicas: &two, Environment: map[string]string{"A": "1"}}}
	created, err := b.Create(t.Context(), spec, b.stack(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, r, err := b.Import(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if got.Images["edxapp"] != "app:1" || *got.Services["web"].Replicas != 2 || got.Domain != spec.Domain {
		t.Errorf("spec is %+v, want %+v", got, spec)
	}
	if !maps.Equal(r.Services, created.Services) {
		t.Errorf("services are %v", r.Services)
	}
}

func TestServiceThatEndsAtOnceIsTold(t *testing.T) {
	b := newBed(t)
	b.Engine = endsAtOnce{b.fake}
	r := b.mustCreate()
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "acme-web-1 exited with code 7") {
		t.Errorf("warnings are %q", r.Warnings)
	}
}

// endsAtOnce is an engine on which acme-web-1 has ended by the time it is
// observed.
type endsAtOnce struct{ *fake.Engine }

func (e endsAtOnce) Observe(ctx context.Context, portal string) (stack.Observed, error) {
	e.Change("acme-web-1", func(c *stack.Container) { c.State, c.ExitCode = stack.Exited, 7 })
	return e.Engine.Observe(ctx, portal)
}

func TestLateCallOfAKilledProviderIsReconciled(t *testing.T) {
	b := newBed(t)
	late := false
	b.fake.Fail = func(op *stack.Operation) error {
		if op.Kind == stack.Create && op.Container == "acme-web-1" && !late {
			late = true
			b.fake.Add("acme", stack.Container{Name: "acme-web-1", Service: "web", Number: 1, Digest: "older", State: stack.Created})
		}
		return nil
	}
	r := b.mustCreate()
	if want := stack.Summarize(b.stack()); !maps.Equal(r.Services, want) {
		t.Errorf("services are %v, want %v", r.Services, want)
	}
}

func TestLockIsWaitedFor(t *testing.T) {
	b := newBed(t)
	b.mustCreate()
	other := &Deployer{Engine: b.Engine, Version: "other"} // as another process
	holder, err := other.begin(t.Context(), "acme", "test", false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Update(ctx, b.spec(), b.stack(), nil); err == nil {
		t.Error("an update went on without the lock")
	}
	done := make(chan error, 1)
	go func() {
		_, err := b.Update(t.Context(), b.spec(), b.stack(), nil)
		done <- err
	}()
	holder.end()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
