// SPDX-License-Identifier: MPL-2.0

package backup_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// state is what these tests read of a schedule in the state.
type state struct {
	Host    string  `json:"host"`
	Status  string  `json:"status"`
	NextRun *string `json:"next_run"`
	LastRun *struct {
		OK       bool    `json:"ok"`
		Snapshot *string `json:"snapshot"`
		Bytes    *int64  `json:"bytes"`
		Error    *string `json:"error"`
		Finished *string `json:"finished"`
	} `json:"last_run"`
	LastVerify *struct {
		OK    bool    `json:"ok"`
		Error *string `json:"error"`
	} `json:"last_verify"`
}

// outputs shows what is computed of the schedule, and its snapshots.
const outputs = scheduleOutput + `
data "portal_backups" "acc" {
  portal   = portal.acc.name
  schedule = portal_backup_schedule.acc.name
}
output "backups" {
  value = data.portal_backups.acc.backups
}
`

const scheduleOutput = `
output "schedule" {
  value = {
    for name in ["host", "status", "next_run", "last_run", "last_verify"] : name => portal_backup_schedule.acc[name]
  }
}
`

type backup struct {
	ID    string `json:"id"`
	Time  string `json:"time"`
	Bytes int64  `json:"bytes"`
}

func output(t *testing.T, tf *acctest.Terraform, name string, into any) {
	t.Helper()
	text := tf.Must(t, "output", "-json", name).Stdout
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("output %s is %s: %v", name, text, err)
	}
}

// look refreshes and returns what the state has then.
func look(t *testing.T, tf *acctest.Terraform) (state, []backup) {
	t.Helper()
	tf.Apply(t, "-refresh-only")
	var s state
	var backups []backup
	output(t, tf, "schedule", &s)
	output(t, tf, "backups", &backups)
	return s, backups
}

// await looks until a condition is met: what a run wrote is told by the
// scheduler, which sees its end a moment later than the test.
func await(t *testing.T, tf *acctest.Terraform, limit time.Duration, met func(state) bool) state {
	t.Helper()
	for deadline := time.Now().Add(limit); ; {
		tf.Apply(t, "-refresh-only")
		var s state
		output(t, tf, "schedule", &s)
		if met(s) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s the state is still %+v, the last run %+v", limit, s, s.LastRun)
		}
	}
}

// expectNothing plans, and there must be nothing to do.
func expectNothing(t *testing.T, tf *acctest.Terraform) {
	t.Helper()
	if r := tf.Run(t, "plan", "-detailed-exitcode", "-input=false", "-no-color"); r.ExitCode != 0 {
		t.Fatalf("a plan has exit code %d\n%s", r.ExitCode, r.Output)
	}
}

func TestAccBackupAndRestore(t *testing.T) {
	s := newSite(t)
	tf := acctest.NewTerraform(t, s.schedule("@yearly", `verify = { cron = "@yearly" }`)+outputs)
	tf.Apply(t)
	s.upload(t, "a.txt", "first")
	s.upload(t, "b.txt", "never changes")

	now, backups := look(t, tf)
	if now.Status != "ready" || now.NextRun == nil || now.LastRun != nil || len(backups) != 0 {
		t.Fatalf("before the first backup: %+v, %v", now, backups)
	}

	// By hand, as by the clock.
	if code := s.Play(t, "backup-nightly"); code != 0 {
		t.Fatalf("the backup has exit code %d", code)
	}
	await(t, tf, time.Minute, func(s state) bool { return s.LastRun != nil && s.LastRun.Snapshot != nil })
	now, backups = look(t, tf)
	if !now.LastRun.OK || now.LastRun.Bytes == nil || now.LastRun.Error != nil {
		t.Fatalf("after a backup: %+v", now.LastRun)
	}
	if len(backups) != 1 || backups[0].ID != *now.LastRun.Snapshot || backups[0].Bytes != *now.LastRun.Bytes {
		t.Fatalf("the backups are %v, the last run %+v", backups, now.LastRun)
	}
	if at, err := time.Parse(time.RFC3339, backups[0].Time); err != nil || time.Since(at) > time.Hour {
		t.Errorf("the backup was made at %q", backups[0].Time)
	}
	expectNothing(t, tf)
	if code := s.Play(t, "backup-nightly-verify"); code != 0 {
		t.Fatalf("the check has exit code %d", code)
	}
	if now, _ = look(t, tf); now.LastVerify == nil || !now.LastVerify.OK {
		t.Fatalf("after a check: %+v", now.LastVerify)
	}

	// Destroyed, and put back.
	s.upload(t, "a.txt", "second")
	if err := os.Remove(s.media("b.txt")); err != nil {
		t.Fatal(err)
	}
	s.upload(t, "c.txt", "made later")
	progress := s.actions(t).Must(t, "portal_restore", map[string]any{"portal": s.Name, "schedule": "nightly", "snapshot": backups[0].ID})
	if len(progress) < 3 {
		t.Errorf("the restore said only %q", progress)
	}
	for name, want := range map[string]string{"a.txt": "first", "b.txt": "never changes", "c.txt": ""} {
		got, err := os.ReadFile(s.media(name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s holds %q instead of %q", name, got, want)
		}
	}
	expectNothing(t, tf)

	// The snapshots outlive the schedule.
	tf.Write(t, s.config("data \"portal_backups\" \"acc\" {\n  portal = portal.acc.name\n}\noutput \"backups\" {\n  value = data.portal_backups.acc.backups\n}\n"))
	tf.Apply(t)
	output(t, tf, "backups", &backups)
	if len(backups) != 1 {
		t.Errorf("without its schedule the repository has %v", backups)
	}
	tf.Destroy(t)
}

// A backup that fails is told in the state, and is no drift of its container.
func TestAccFailedBackup(t *testing.T) {
	acctest.Long(t)
	s := newSite(t)
	const password = "acc-hunter2-password"
	credentials := func(version string) string {
		return s.schedule("@yearly", "credentials_wo = { RESTIC_PASSWORD = \""+password+version+"\" }\n  credentials_wo_version = "+version)
	}
	tf := acctest.NewTerraform(t, credentials("1")+outputs)
	tf.Apply(t)
	if code := s.Play(t, "backup-nightly"); code != 0 {
		t.Fatalf("the backup has exit code %d", code)
	}
	// Another password does not open what the first one made.
	tf.Write(t, credentials("2")+scheduleOutput)
	tf.Apply(t)
	if code := s.Play(t, "backup-nightly"); code == 0 {
		t.Fatal("a backup with a wrong password went well")
	}
	now := await(t, tf, time.Minute, func(s state) bool { return s.LastRun != nil && s.LastRun.Error != nil })
	if now.LastRun.OK || !strings.Contains(*now.LastRun.Error, "password") || now.LastRun.Snapshot != nil {
		t.Fatalf("after a failed backup: %+v", now.LastRun)
	}
	expectNothing(t, tf)

	// The password is on the drive alone, and there the former one no more.
	files, err := os.ReadDir(filepath.Join(s.Directory(), "secrets", "given"))
	if err != nil || len(files) != 1 || !strings.HasSuffix(files[0].Name(), "-v2") {
		t.Errorf("the given secrets are %v, %v", files, err)
	}
	inspected, err := json.Marshal(s.Inspect(t, "backup-nightly"))
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"the state": tf.State(t), "docker inspect": string(inspected)} {
		if strings.Contains(text, password) {
			t.Errorf("%s holds the password", where)
		}
	}
	tf.Destroy(t)
}

// The scheduler starts the backup when it is due.
func TestAccBackupByTheClock(t *testing.T) {
	acctest.Long(t)
	s := newSite(t)
	tf := acctest.NewTerraform(t, s.schedule("* * * * *", "")+outputs)
	tf.Apply(t)
	s.upload(t, "a.txt", "first")
	await(t, tf, 4*time.Minute, func(s state) bool { return s.LastRun != nil && s.LastRun.Finished != nil })
	if now, backups := look(t, tf); !now.LastRun.OK || len(backups) == 0 || now.NextRun == nil {
		t.Fatalf("by the clock: %+v, backups %v", now.LastRun, backups)
	}
	tf.Write(t, s.schedule("* * * * *", "paused = true")+outputs)
	tf.Apply(t)
	if now, _ := look(t, tf); now.NextRun != nil || now.Status != "ready" {
		t.Errorf("paused: %+v", now)
	}
	expectNothing(t, tf)
	tf.Destroy(t)
}

func TestAccActions(t *testing.T) {
	acctest.Long(t)
	s := newSite(t)
	tf := acctest.NewTerraform(t, s.config(""))
	tf.Apply(t)
	actions := s.actions(t)
	before := s.Started(t)

	actions.Must(t, "portal_restart", map[string]any{"portal": s.Name})
	after := s.Started(t)
	if web, other := s.Container("web-1"), s.Container("other-1"); after[web] == before[web] || after[other] != before[other] {
		t.Errorf("a restart of what reads the overrides: %v, then %v", before, after)
	}
	actions.Must(t, "portal_restart", map[string]any{"portal": s.Name, "services": []string{"other"}})
	if other := s.Container("other-1"); s.Started(t)[other] == before[other] {
		t.Error("a restart of other has not restarted it")
	}
	fail := func(action string, given map[string]any, want string) {
		t.Helper()
		_, diags := actions.Invoke(t.Context(), t, action, given)
		said := func(d *tfprotov6.Diagnostic) bool { return strings.Contains(d.Summary+d.Detail, want) }
		if !slices.ContainsFunc(diags, said) {
			t.Errorf("%s: %v does not say %q", action, diags, want)
		}
	}
	fail("portal_restart", map[string]any{"portal": s.Name, "services": []string{"nobody"}}, "nobody")
	fail("portal_restart", map[string]any{"portal": "nobody"}, "nobody")

	progress := actions.Must(t, "portal_task_run", map[string]any{"portal": s.Name, "task": "reindex"})
	if last := progress[len(progress)-1]; !strings.HasPrefix(last, "reindex has ended well") {
		t.Errorf("the task said %q", progress)
	}
	s.EditBlueprint(t, `CODE: "0"`, `CODE: "3"`)
	tf.Apply(t)
	fail("portal_task_run", map[string]any{"portal": s.Name, "task": "reindex"}, "indexed")
	fail("portal_task_run", map[string]any{"portal": s.Name, "task": "nothing"}, "nothing")
	fail("portal_restore", map[string]any{"portal": s.Name}, "no")
	expectNothing(t, tf)
	tf.Destroy(t)
}
