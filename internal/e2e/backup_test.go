// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	dockermount "github.com/docker/docker/api/types/mount"
)

// One portal for all parts, as its databases take a while to come up. Each part
// leaves it able to make backups.
func TestBackup(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.fill(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"the first one", v.testFirstBackup},
		{"nothing to save", v.testInclude},
		{"a step fails", v.testStepFails},
		{"disk full", v.testDiskFull},
		{"killed", v.testKilledBackup},
		{"two at once", v.testTwoAtOnce},
		{"repository gone", v.testRepositoryGone},
		{"repository out of reach", v.testRepositoryOutOfReach},
		{"password of another", v.testWrongPassword},
		{"credentials", v.testCredentials},
		{"verify", v.testVerify},
		{"retention", v.testRetention},
	} {
		t.Run(part.name, part.run)
	}
}

// A run without a repository makes it. By hand it is the same run.
func (v *vault) testFirstBackup(t *testing.T) {
	if found := v.snapshots(t); len(found) != 0 {
		t.Errorf("there are snapshots before the first backup: %v", found)
	}
	v.refused(t, "backup", "no backup has been made", args("verify"))
	v.refused(t, "restore", "no backup has been made")

	out := v.byHand(t, "backup")
	if !strings.Contains(out, "saving mongo") || !strings.Contains(out, `{"ok":true,"snapshot":"`) {
		t.Errorf("docker start -a says:\n%s", out)
	}
	first := v.snapshots(t)
	if len(first) != 1 {
		t.Fatalf("the snapshots are %v", first)
	}
	v.must(t, "backup")
	o := v.must(t, "backup")
	// Of one day, the newest is kept; and, as the rules are not used up, the
	// very first one.
	if found := v.snapshots(t); !slices.Equal(found, []string{first[0], o.result.Snapshot}) {
		t.Errorf("the snapshots are %v instead of %s and %s", found, first[0], o.result.Snapshot)
	}
	if o.result.Files < 10 || o.result.Bytes < 1<<20 {
		t.Errorf("the snapshot has %d files, %d bytes:\n%s", o.result.Files, o.result.Bytes, o.stdout)
	}
	if left, err := os.ReadDir(filepath.Join(v.Directory(), "backups", "staging")); err == nil {
		t.Errorf("dumps are left on the drive: %v", left)
	}
	for file, text := range v.repository(t) {
		if strings.Contains(text, "Ada Lovelace") {
			t.Errorf("%s of the repository can be read by anybody", file)
		}
	}
	v.noChange(t)
}

// repository is the content of the repository's files.
func (v *vault) repository(t *testing.T) map[string]string {
	t.Helper()
	return tree(t, filepath.Join(v.Directory(), "backups", "restic"))
}

// A backup can be of some parts; wrong ones are refused.
func (v *vault) testInclude(t *testing.T) {
	v.refused(t, "backup", `there is no part "courses"`, env("BACKUP_INCLUDE", "mysql,courses"))
	o := v.must(t, "backup", env("BACKUP_INCLUDE", "overrides"))
	files := v.sh(t, "restic --no-cache ls "+o.result.Snapshot)
	if !strings.Contains(files, "ansible_overrides.yml") || strings.Contains(files, "edxapp.tables.sql") || strings.Contains(files, "/edx/var/media") {
		t.Errorf("a backup of the overrides alone has\n%s", files)
	}
}

// failsCleanly asserts that a run fails, says why, and that there is no snapshot
// of it, whole or not. The next run succeeds.
func (v *vault) failsCleanly(t *testing.T, why string, options ...option) {
	t.Helper()
	before, all := v.snapshots(t), v.everySnapshot(t)
	v.refused(t, "backup", why, options...)
	if after := v.snapshots(t); !slices.Equal(before, after) {
		t.Errorf("the snapshots are %v instead of %v", after, before)
	}
	if after := v.everySnapshot(t); after != all {
		t.Errorf("the repository has the snapshots %s instead of %s", after, all)
	}
}

// everySnapshot are all snapshots of the repository, also those of no portal.
func (v *vault) everySnapshot(t *testing.T) string {
	t.Helper()
	return v.sh(t, "restic --no-cache --no-lock snapshots --json | jq -c 'map(.id) | sort'")
}

func (v *vault) testStepFails(t *testing.T) {
	wrong := filepath.Join(t.TempDir(), "mysql.cnf")
	if err := os.WriteFile(wrong, []byte("[client]\nhost=mysql\nuser=root\npassword=wrong\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	v.failsCleanly(t, "Access denied", mounted(wrong, "/portal/secrets/mysql.cnf"))

	start := v.stop(t, "mysql-1")
	v.failsCleanly(t, "asking MySQL failed")
	start()

	start = v.stop(t, "mongo-1")
	v.failsCleanly(t, "asking the document store failed")
	start()

	// A file that cannot be read: restic makes a snapshot without it.
	unreadable := filepath.Join(v.media(), "unreadable")
	if err := os.WriteFile(unreadable, []byte("root's own"), 0o000); err != nil {
		t.Fatal(err)
	}
	v.refused(t, "backup", "could not be read")
	before := v.snapshots(t)
	if err := os.Remove(unreadable); err != nil {
		t.Fatal(err)
	}
	v.must(t, "backup")
	if after := v.snapshots(t); len(after) != len(before) {
		t.Errorf("the snapshots are %v, then %v", before, after)
	}
	if got := strings.Count(v.everySnapshot(t), `"`) / 2; got != len(before) {
		t.Errorf("%d snapshots are in the repository instead of %d", got, len(before))
	}
}

// tmpfs puts a small disk at a path.
func tmpfs(target string, size int64) option {
	return func(_ *container.Config, h *container.HostConfig) {
		h.Mounts = slices.DeleteFunc(h.Mounts, func(m dockermount.Mount) bool { return m.Target == target })
		h.Mounts = append(h.Mounts, dockermount.Mount{Type: dockermount.TypeTmpfs, Target: target, TmpfsOptions: &dockermount.TmpfsOptions{SizeBytes: size, Mode: 0o1777}})
	}
}

func (v *vault) testDiskFull(t *testing.T) {
	v.refused(t, "backup", "", tmpfs("/portal/backups", 200<<10))
	o := v.refused(t, "backup", "no space left", tmpfs("/portal/backups", 1<<20))
	if !strings.Contains(o.stderr, "writing the snapshot") {
		t.Errorf("the disk was full too early to tell anything:\n%s", o.stderr)
	}
	v.must(t, "backup")
}

// Killed at each step, a run leaves nothing that looks whole, and the next one
// works, at once.
func (v *vault) testKilledBackup(t *testing.T) {
	big := filepath.Join(v.media(), "big")
	for _, step := range []string{"saving mysql", "saving mongo", "writing the snapshot"} {
		content := make([]byte, 64<<20)
		if _, err := rand.Read(content); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(big, content, 0o644); err != nil {
			t.Fatal(err)
		}
		before := v.snapshots(t)
		r := v.begin(t, "backup")
		r.await(t, step)
		if step == "writing the snapshot" {
			eventually(t, "a lock", func() bool { return len(v.locks(t)) > 0 })
		}
		r.kill(t)
		if step == "writing the snapshot" && len(v.locks(t)) == 0 {
			t.Error("the run that was killed has left no lock: this shows nothing")
		}
		if after := v.snapshots(t); !slices.Equal(before, after) {
			t.Errorf("killed while %s: the snapshots are %v instead of %v", step, after, before)
		}
		started := time.Now()
		v.must(t, "backup")
		if took := time.Since(started); took > time.Minute {
			t.Errorf("killed while %s: the next run took %s", step, took)
		}
	}
	if err := os.Remove(big); err != nil {
		t.Fatal(err)
	}
	// Told to stop, a run ends at once and says so.
	r := v.begin(t, "backup")
	r.await(t, "saving mysql")
	r.stop(t)
	if o := r.wait(t); o.exit == 0 || !strings.Contains(o.result.Error, "told to stop") {
		t.Errorf("a run that is told to stop ends with %d, %s", o.exit, o.stdout)
	}
}

func (v *vault) locks(t *testing.T) []os.DirEntry {
	t.Helper()
	locks, err := os.ReadDir(filepath.Join(v.Directory(), "backups", "restic", "locks"))
	if err != nil {
		t.Fatal(err)
	}
	return locks
}

func (v *vault) testTwoAtOnce(t *testing.T) {
	first := v.begin(t, "backup")
	second := v.begin(t, "backup")
	for _, r := range []running{first, second} {
		if o := r.wait(t); o.exit != 0 || !o.result.OK {
			t.Errorf("exit code %d\n%s%s", o.exit, o.stdout, o.stderr)
		}
	}
}

// A repository that was there is not made anew when it is not there.
func (v *vault) testRepositoryGone(t *testing.T) {
	at := filepath.Join(v.Directory(), "backups", "restic")
	if err := os.Rename(at, at+".away"); err != nil {
		t.Fatal(err)
	}
	v.refused(t, "backup", "has been there before and is not there now")
	if _, err := os.Stat(at); err == nil {
		t.Error("the repository was made anew")
	}
	if err := os.Rename(at+".away", at); err != nil {
		t.Fatal(err)
	}
	v.must(t, "backup")

	// On a disk that is not mounted there is nothing to write to.
	v.refused(t, "backup", "ead-only file system", env("RESTIC_REPOSITORY", "/mnt/elsewhere"))
}

// A repository that does not answer is not taken for one that is not there.
func (v *vault) testRepositoryOutOfReach(t *testing.T) {
	o := v.refused(t, "backup", "cannot be", env("RESTIC_REPOSITORY", "rest:http://backup:hush@127.0.0.1:9/acme"))
	if strings.Contains(o.stderr, "making the repository") || strings.Contains(o.stdout+o.stderr, "hush") {
		t.Errorf("the run says\n%s%s", o.stdout, o.stderr)
	}
	v.refused(t, "backup", "cannot be", env("RESTIC_REPOSITORY", "sftp:backup@127.0.0.1:/acme"))
}

func (v *vault) testWrongPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("of another"), 0o644); err != nil {
		t.Fatal(err)
	}
	v.failsCleanly(t, "the password does not open the repository", mounted(file, "/portal/secrets/restic-password"))
}

// Credentials come from a file, by any name that restic knows.
func (v *vault) testCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "repository.env")
	text := "# not mine\r\nRESTIC_REPOSITORY=/portal/backups/second\r\nRESTIC_PASSWORD=it's $HOME \"quoted\"\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	credentials := mounted(file, "/portal/secrets/repository.env")
	v.must(t, "backup", credentials)
	if found := v.snapshots(t, credentials); len(found) != 1 {
		t.Errorf("the second repository has the snapshots %v", found)
	}
	v.sh(t, `RESTIC_PASSWORD_FILE= RESTIC_PASSWORD="it's \$HOME \"quoted\"" restic --no-cache -r /portal/backups/second cat config`)

	if err := os.WriteFile(file, []byte("AWS_ACCESS_KEY_ID: hush"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := v.refused(t, "backup", "line 1 is not of the form NAME=value", credentials)
	if strings.Contains(o.stdout+o.stderr, "hush") {
		t.Errorf("the run shows a credential:\n%s%s", o.stdout, o.stderr)
	}
}

// One byte of the repository's data is found.
func (v *vault) testVerify(t *testing.T) {
	v.must(t, "backup", args("verify"), env("BACKUP_VERIFY_SUBSET", "100%"))
	v.sh(t, "cp -r /portal/backups/restic /portal/backups/damaged")
	pack := largest(t, filepath.Join(v.Directory(), "backups", "damaged", "data"))
	content, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.Chmod(pack, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pack, content, 0o600); err != nil {
		t.Fatal(err)
	}
	v.refused(t, "backup", "the repository is damaged", args("verify"), env("BACKUP_VERIFY_SUBSET", "100%"), env("RESTIC_REPOSITORY", "/portal/backups/damaged"))
}

func largest(t *testing.T, root string) string {
	t.Helper()
	var found string
	var size int64
	for name := range tree(t, root) {
		if info, err := os.Stat(filepath.Join(root, name)); err == nil && info.Mode().IsRegular() && info.Size() > size {
			found, size = filepath.Join(root, name), info.Size()
		}
	}
	if found == "" {
		t.Fatalf("%s has no file", root)
	}
	return found
}

// After 400 days the snapshots are those that the rules keep, and those of
// another portal in the same repository are all there.
func (v *vault) testRetention(t *testing.T) {
	const days = 400
	first := time.Date(2025, time.January, 1, 2, 15, 0, 0, time.UTC)
	// restic makes its key as costly as the processor allows. Made on a slow
	// one, it is cheap, and so are the 400 runs.
	v.run(t, "backup", command("restic --no-cache -r /portal/backups/simulated init"), func(_ *container.Config, h *container.HostConfig) { h.NanoCPUs = 5e7 })
	var script bytes.Buffer
	fmt.Fprintf(&script, `mkdir /tmp/file; echo 1 >/tmp/file/1; cd /tmp/file; export RESTIC_REPOSITORY=/portal/backups/simulated
seq 0 %d | xargs -P 3 -I{} sh -c 'restic --no-cache backup -q --time "$(date -u -d "%s +{} days" "+%%F %%T")" --host %s --tag portal=%s .'
restic --no-cache backup -q --time "2024-01-01 00:00:00" --host other --tag portal=other .
restic --no-cache backup -q --time "2024-01-02 00:00:00" --host other --tag portal=other .
`, days-1, first.Format("2006-01-02 15:04 UTC"), v.Name, v.Name)
	started := time.Now()
	v.sh(t, script.String())
	t.Logf("%d days took %s", days, time.Since(started).Round(time.Second))

	simulated := env("RESTIC_REPOSITORY", "/portal/backups/simulated")
	o := v.must(t, "backup", simulated, env("BACKUP_INCLUDE", "overrides"),
		env("BACKUP_KEEP_LAST", "2"), env("BACKUP_KEEP_DAILY", "7"), env("BACKUP_KEEP_WEEKLY", "4"), env("BACKUP_KEEP_MONTHLY", "12"), env("BACKUP_KEEP_YEARLY", "2"))

	var taken []time.Time
	for day := range days {
		taken = append(taken, first.AddDate(0, 0, day))
	}
	taken = append(taken, time.Now().UTC())
	want := kept(taken)
	got := strings.Fields(v.sh(t, fmt.Sprintf(`restic --no-cache --no-lock -r /portal/backups/simulated snapshots --json --tag portal=%s | jq -r '.[].time[:10]' | sort`, v.Name)))
	if !slices.Equal(got, want) {
		t.Errorf("these are kept:\n%v\ninstead of\n%v", got, want)
	}
	if found := v.snapshots(t, simulated); found[len(found)-1] != o.result.Snapshot {
		t.Error("the newest is not the one that was made")
	}
	others := v.sh(t, "restic --no-cache --no-lock -r /portal/backups/simulated snapshots --json --tag portal=other | jq length")
	if strings.TrimSpace(others) != "2" {
		t.Errorf("of another portal's 2 snapshots, these are left: %s", others)
	}
	v.refused(t, "backup", "not a number", simulated, env("BACKUP_INCLUDE", "overrides"), env("BACKUP_KEEP_DAILY", "a week"))
}

// kept are the days that the rules of the test keep, worked out from the rules'
// words: the last 2, and the newest of each of the last 7 days, 4 weeks, 12 months
// and 2 years that have any.
func kept(taken []time.Time) []string {
	keep := map[string]bool{}
	for _, rule := range []struct {
		count  int
		period func(time.Time) string
	}{
		{2, func(at time.Time) string { return at.String() }},
		{7, func(at time.Time) string { return at.Format("2006-01-02") }},
		{4, func(at time.Time) string { year, week := at.ISOWeek(); return fmt.Sprint(year, week) }},
		{12, func(at time.Time) string { return at.Format("2006-01") }},
		{2, func(at time.Time) string { return at.Format("2006") }},
	} {
		newest := map[string]time.Time{}
		for _, at := range taken {
			if p := rule.period(at); at.After(newest[p]) {
				newest[p] = at
			}
		}
		var those []time.Time
		for _, at := range newest {
			those = append(those, at)
		}
		slices.SortFunc(those, func(a, b time.Time) int { return b.Compare(a) })
		for _, at := range those[:min(rule.count, len(those))] {
			keep[at.Format("2006-01-02")] = true
		}
	}
	days := []string{}
	for day := range keep {
		days = append(days, day)
	}
	slices.Sort(days)
	return days
}
