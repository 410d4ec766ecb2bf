// SPDX-License-Identifier: MPL-2.0

package schedule_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	agent "github.com/privateportals/terraform-provider-portal/internal/agent/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newDrive makes a drive with the portal acme.
func newDrive(t *testing.T) agent.SharedDrive {
	t.Helper()
	d := agent.SharedDrive{Root: t.TempDir(), Path: "/srv/portals"}
	must(t, os.WriteFile(filepath.Join(d.Root, ".portal-storage"), []byte("id"), 0o600))
	must(t, os.Mkdir(filepath.Join(d.Root, "acme"), 0o711))
	return d
}

func TestDriveKeepsHistories(t *testing.T) {
	d := newDrive(t)
	must(t, d.Check())
	h, err := d.ReadHistory("acme", "backup")
	if err != nil || !reflect.DeepEqual(h, schedule.History{}) {
		t.Fatalf("the history of a new task is %+v, %v", h, err)
	}
	h.Add(schedule.Run{Trigger: schedule.Scheduled, OK: true})
	must(t, d.WriteHistory("acme", "backup", h))
	again, err := d.ReadHistory("acme", "backup")
	if err != nil || !reflect.DeepEqual(again, h) {
		t.Errorf("read %+v, %v, wrote %+v", again, err, h)
	}
	records := filepath.Join(d.Root, "acme", "records")
	for path, mode := range map[string]fs.FileMode{records: 0o700 | fs.ModeDir, filepath.Join(records, "runs-backup.json"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v; want mode %v", path, info, err, mode)
		}
	}
	entries, err := os.ReadDir(records)
	if err != nil || len(entries) != 1 {
		t.Errorf("records/ holds %v, %v", entries, err)
	}
}

// TestDriveThatIsNotThere is no drive without the mark, and no portal is made.
func TestDriveThatIsNotThere(t *testing.T) {
	d := newDrive(t)
	if err := d.WriteHistory("gone", "backup", schedule.History{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "/srv/portals/gone") {
		t.Errorf("writing for a portal that is not there: %v", err)
	}
	must(t, os.Remove(filepath.Join(d.Root, ".portal-storage")))
	if err := d.Check(); err == nil || !strings.Contains(err.Error(), "mount the drive there") {
		t.Errorf("a drive without its mark: %v", err)
	}
	if _, err := d.ReadHistory("acme", "backup"); err == nil {
		t.Error("a directory that is not the drive has a history")
	}
}

// TestPlantedLinks must lead to nothing outside the portal's directory.
func TestPlantedLinks(t *testing.T) {
	outside := t.TempDir()
	victim := filepath.Join(outside, "runs-backup.json")
	for name, plant := range map[string]func(acme string) error{
		"the records": func(acme string) error { return os.Symlink(outside, filepath.Join(acme, "records")) },
		"a record": func(acme string) error {
			return errors.Join(os.Mkdir(filepath.Join(acme, "records"), 0o700), os.Symlink(victim, filepath.Join(acme, "records", "runs-backup.json")))
		},
		"the portal": func(acme string) error { return errors.Join(os.Remove(acme), os.Symlink(outside, acme)) },
		"the given secrets": func(acme string) error {
			return errors.Join(os.Mkdir(filepath.Join(acme, "secrets"), 0o700), os.Symlink(outside, filepath.Join(acme, "secrets", "given")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			must(t, os.WriteFile(victim, []byte(`{"failing":true}`), 0o600))
			d := newDrive(t)
			must(t, plant(filepath.Join(d.Root, "acme")))
			if h, err := d.ReadHistory("acme", "backup"); err == nil && h.Failing {
				t.Error("a file outside was read")
			}
			_ = d.WriteHistory("acme", "backup", schedule.History{}) // it may fail, or replace a link
			if data, err := os.ReadFile(victim); err != nil || string(data) != `{"failing":true}` {
				t.Errorf("the file outside is now %q, %v", data, err)
			}
			if _, err := d.Secret("acme", "runs-backup.json"); err == nil {
				t.Error("a file outside was read as a secret")
			}
		})
	}
}

func TestWhatIsNoSecret(t *testing.T) {
	d := newDrive(t)
	given := filepath.Join(d.Root, "acme", "secrets", "given")
	must(t, os.MkdirAll(given, 0o700))
	must(t, syscall.Mkfifo(filepath.Join(given, "pipe"), 0o600))
	must(t, os.WriteFile(filepath.Join(given, "large"), make([]byte, 70_000), 0o600))
	must(t, os.WriteFile(filepath.Join(given, "good"), []byte("https://hooks.example\n"), 0o400))
	for _, name := range []string{"pipe", "large", "absent"} {
		if _, err := d.Secret("acme", name); err == nil || !strings.Contains(err.Error(), "/srv/portals/acme/secrets/given/"+name) {
			t.Errorf("secret %s: %v", name, err)
		}
	}
	if got, err := d.Secret("acme", "good"); err != nil || got != "https://hooks.example" {
		t.Errorf("secret good: %q, %v", got, err)
	}
}

// TestConceal strikes out secrets that a run wrote.
func TestConceal(t *testing.T) {
	d := newDrive(t)
	const key = "-----BEGIN KEY-----\nQUJDREVGR0hJSktMTU5PUA\n-----END KEY-----\n"
	for name, value := range map[string]string{
		"secrets/mysql_root":         "hunter2hunter2",
		"secrets/short":              "abc",
		"secrets/0123456789ab/x.yml": "password: innocent",
		"secrets/given/restic":       "hunter2hunter2-and-more\n",
		"secrets/given/ssh_key":      key,
	} {
		path := filepath.Join(d.Root, "acme", name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(value), 0o400))
	}
	got, err := d.Conceal("acme", "a hunter2hunter2 b\nhunter2hunter2-and-more\n> QUJDREVGR0hJSktMTU5PUA <\nabc innocent")
	if want := "a (secret) b\n(secret)\n> (secret) <\nabc innocent"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if got, err := d.Conceal("gone", "a hunter2hunter2 b"); err == nil {
		t.Errorf("secrets that cannot be read are not struck out of %q", got)
	}
}

func TestHistoryThatIsTooLargeOrBroken(t *testing.T) {
	d := newDrive(t)
	records := filepath.Join(d.Root, "acme", "records")
	must(t, os.Mkdir(records, 0o700))
	var invalid *agent.InvalidError
	must(t, os.WriteFile(filepath.Join(records, "runs-a.json"), []byte("{ half"), 0o600))
	if _, err := d.ReadHistory("acme", "a"); !errors.As(err, &invalid) {
		t.Errorf("half a history: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(records, "runs-b.json"), make([]byte, 5<<20), 0o600))
	if _, err := d.ReadHistory("acme", "b"); err == nil {
		t.Error("a history of 5 MiB is read")
	}
}

// TestWebhook tells a server, which refuses at first.
func TestWebhook(t *testing.T) {
	var asked atomic.Int32
	var got schedule.Notice
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s of %s", r.Method, r.Header.Get("Content-Type"))
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	sent := schedule.NewNotice(schedule.Failure, "acme", "backup", "dal-1", schedule.Run{ExitCode: 3, Reason: "exit code 3", Log: "disk full"})
	must(t, agent.NewWebhook().Send(t.Context(), server.URL+"/T0/secret", sent))
	if got != sent || asked.Load() != 2 {
		t.Errorf("after %d requests the server got %+v, want %+v", asked.Load(), got, sent)
	}
}

// TestWebhookErrorsHoldNoAddress as whoever has it may use it.
func TestWebhookErrorsHoldNoAddress(t *testing.T) {
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	}))
	defer refuses.Close()
	moves := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://127.0.0.1:1/T0/secret")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}))
	defer moves.Close()
	for address, part := range map[string]string{
		refuses.URL + "/T0/secret":         "403",
		moves.URL + "/T0/secret":           "refused",
		"http://127.0.0.1:1/T0/secret":     "refused",
		"https://host.invalid/T0/secret":   "host.invalid",
		"ftp://host.invalid/secret":        "http or https",
		"secret":                           "http or https",
		"http://user:secret@[::1/bad%zone": "http or https",
		"":                                 "http or https",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		err := agent.NewWebhook().Send(ctx, address, schedule.Notice{})
		cancel()
		if err == nil {
			t.Errorf("%q was told", address)
			continue
		}
		if strings.Contains(err.Error(), "secret/") || strings.Contains(err.Error(), "/secret") || strings.Contains(err.Error(), ":secret") {
			t.Errorf("the error holds the address: %v", err)
		}
		if !strings.Contains(err.Error(), part) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%q: %v, want %q", address, err, part)
		}
	}
}

func TestPulse(t *testing.T) {
	p := agent.Pulse{Path: filepath.Join(t.TempDir(), "pulse")}
	if err := p.Alive(time.Now()); err == nil {
		t.Error("alive before the first beat")
	}
	p.Beat()
	if err := p.Alive(time.Now().Add(time.Minute)); err != nil {
		t.Error(err)
	}
	if err := p.Alive(time.Now().Add(3 * time.Minute)); err == nil {
		t.Error("alive after three minutes of silence")
	}
	p.Beat()
	if err := p.Alive(time.Now()); err != nil {
		t.Error(err)
	}
}
