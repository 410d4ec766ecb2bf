// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// fill writes what a portal may have: rows of every kind, two schemas, all that
// MySQL has besides tables; documents in two databases; uploads and overrides.
func (v *vault) fill(t *testing.T) {
	t.Helper()
	v.mysql(t, `
CREATE DATABASE reports CHARACTER SET latin1 COLLATE latin1_swedish_ci;
CREATE TABLE reports.sums (n INT PRIMARY KEY, word VARCHAR(20)); INSERT INTO reports.sums VALUES (1, 'été');
USE edxapp;
CREATE TABLE learner (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, picture LONGBLOB, born DATETIME(6) NULL, UNIQUE (name)) ENGINE=InnoDB;
CREATE TABLE enrolment (id INT AUTO_INCREMENT PRIMARY KEY, learner_id INT NOT NULL, course VARCHAR(80), FOREIGN KEY (learner_id) REFERENCES learner (id) ON DELETE CASCADE) ENGINE=InnoDB;
CREATE TABLE `+"`odd ``name`"+` (`+"`select`"+` TEXT);
CREATE TABLE history (what VARCHAR(80)) ENGINE=InnoDB;
CREATE TABLE django_site (id INT PRIMARY KEY, domain VARCHAR(100) UNIQUE, name VARCHAR(50));
INSERT INTO learner (name, picture, born) VALUES ('Ada Lovelace', X'00FF0A0D1A5C2700', '1815-12-10 01:02:03.456789'), ('Zoë 🚀 O''Neil\\', NULL, NULL);
INSERT INTO enrolment (learner_id, course) VALUES (1, 'galaxies'), (2, 'galaxies');
INSERT INTO `+"`odd ``name`"+` VALUES ('line\none'), (NULL), ('');
INSERT INTO django_site VALUES (1, '`+v.domain+`', '`+v.domain+`'), (2, 'studio.`+v.domain+`', 'Studio'), (3, 'example.com', 'example.com');
CREATE VIEW learners AS SELECT name, COUNT(*) AS courses FROM learner JOIN enrolment ON learner_id = learner.id GROUP BY name;
CREATE VIEW few AS SELECT * FROM learners WHERE courses < 2;
DELIMITER //
CREATE TRIGGER remember AFTER INSERT ON enrolment FOR EACH ROW BEGIN INSERT INTO history VALUES (NEW.course); END//
CREATE PROCEDURE forget() BEGIN DELETE FROM history; END//
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN 2 * n//
CREATE EVENT tidy ON SCHEDULE EVERY 1 YEAR DO DELETE FROM history WHERE what = ''//
DELIMITER ;
`)
	v.mongo(t, `
courses = client.edxapp["modulestore.structures"]
courses.insert_many([{"_id": i, "blob": bson.Binary(bytes([i % 256, 0, 255])), "at": datetime.datetime(2026, 1, 1), "text": "Größe %d" % i, "deep": {"a": [1, 2.5, None, True]}} for i in range(500)])
courses.create_index([("text", 1)], name="by_text")
client.edxapp["fs.chunks"].insert_one({"_id": bson.ObjectId("64b64c0f0f0f0f0f0f0f0f0f"), "n": 0, "data": bson.Binary(b"\x00" * 300000)})
client.cs_comments_service.contents.insert_one({"_id": "t1", "body": "First!"})`)

	picture := make([]byte, 1<<20)
	if _, err := rand.Read(picture); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"courses/galaxies.png": picture, "empty": nil, "Zoë's picture (1).jpg": []byte("jpg"), ".hidden/file": []byte("dot"), "-rf": []byte("no option"),
	} {
		v.put(t, filepath.Join(v.media(), name), content)
	}
	link := filepath.Join(v.media(), "link")
	if err := errors.Join(os.Symlink("courses/galaxies.png", link), os.Lchown(link, 1000, 1000)); err != nil {
		t.Fatal(err)
	}
	v.put(t, filepath.Join(v.Directory(), "overrides", "ansible_overrides.yml"), []byte("# by Ada\nEDXAPP_PLATFORM_NAME: \"Academy\"\n"))
}

// put writes a file as the portal's services do.
func (v *vault) put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	for at := path; at != v.media() && at != filepath.Join(v.Directory(), "overrides"); at = filepath.Dir(at) {
		if err := os.Lchown(at, 1000, 1000); err != nil {
			t.Fatal(err)
		}
	}
}

func (v *vault) media() string { return filepath.Join(v.Directory(), "data", "media") }

// content is all that a snapshot has to hold, in texts that can be compared.
func (v *vault) content(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{
		"mysql": v.sh(t, `for s in $(mysql --defaults-extra-file=/portal/secrets/mysql.cnf -N -e "SHOW DATABASES" | grep -vE '^(mysql|sys|.*_schema)$'); do
			echo "$s"; mysqldump --defaults-extra-file=/portal/secrets/mysql.cnf --force --skip-dump-date --routines --triggers --events --hex-blob --skip-extended-insert "$s" || echo broken; done`),
		"mongo": v.mongo(t, `
for name in sorted(client.list_database_names()):
    if name in ("admin", "config", "local"): continue
    for collection in sorted(client[name].list_collection_names()):
        indexes = sorted(client[name][collection].index_information())
        print(name, collection, indexes, json_util.dumps(list(client[name][collection].find().sort("_id", 1))))`),
	}
	for _, folder := range []string{"data/media", "overrides"} {
		for name, about := range tree(t, filepath.Join(v.Directory(), folder)) {
			all[folder+name] = about
		}
	}
	return all
}

// differences are the names of what is not as it was.
func differences(before, after map[string]string) []string {
	names := map[string]bool{}
	for name := range before {
		names[name] = before[name] != after[name]
	}
	for name := range after {
		_, was := before[name]
		names[name] = names[name] || !was
	}
	maps.DeleteFunc(names, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(names))
}

// is asserts that the portal's content is what it was.
func (v *vault) is(t *testing.T, want map[string]string) {
	t.Helper()
	now := v.content(t)
	for _, name := range differences(want, now) {
		was, is := want[name], now[name]
		if len(was)+len(is) > 20000 {
			was, is = firstDifference(was, is)
		}
		t.Errorf("%s is\n%s\ninstead of\n%s", name, is, was)
	}
}

func firstDifference(a, b string) (string, string) {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	part := func(s string) string { return s[max(0, min(i, len(s))-200):min(len(s), i+500)] }
	return part(a), part(b)
}

// ruin changes everything that a portal holds.
func (v *vault) ruin(t *testing.T) {
	t.Helper()
	v.mysql(t, `USE edxapp; DROP TABLE IF EXISTS enrolment, history, since; DELETE FROM learner; DROP PROCEDURE IF EXISTS forget; DROP VIEW IF EXISTS few;
CREATE TABLE since (n INT); CREATE TRIGGER since_trigger BEFORE INSERT ON since FOR EACH ROW SET NEW.n = 1; CREATE OR REPLACE VIEW since_view AS SELECT * FROM since;
DROP DATABASE IF EXISTS reports;`)
	v.mongo(t, `
client.edxapp["modulestore.structures"].drop()
client.edxapp["fs.chunks"].update_many({}, {"$set": {"n": 9}})
client.edxapp["since"].replace_one({"_id": 1}, {"_id": 1}, upsert=True)
client.drop_database("cs_comments_service")`)
	if err := os.RemoveAll(filepath.Join(v.media(), "courses")); err != nil {
		t.Fatal(err)
	}
	v.put(t, filepath.Join(v.media(), "empty"), []byte("not any more"))
	v.put(t, filepath.Join(v.media(), "since", "file"), []byte("new"))
	v.put(t, filepath.Join(v.Directory(), "overrides", "ansible_overrides.yml"), []byte("EDXAPP_PLATFORM_NAME: broken\n"))
}

func TestRestore(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.fill(t)
	v.byHand(t, "backup")
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"all is back", v.testAllIsBack},
		{"an earlier one", v.testEarlier},
		{"a part", v.testPart},
		{"writers", v.testWriters},
		{"what there is not", v.testNoSuchSnapshot},
		{"damaged", v.testDamagedSnapshot},
		{"fails while it switches", v.testSwitchFails},
		{"killed", v.testKilledRestore},
		{"into another portal", v.testClone},
	} {
		t.Run(part.name, part.run)
	}
}

func (v *vault) testAllIsBack(t *testing.T) {
	// Whoever writes overrides locks this file, which must stay the same one.
	lock := filepath.Join(v.Directory(), "overrides", ".lock")
	v.put(t, lock, nil)
	locked, err := os.Stat(lock)
	if err != nil {
		t.Fatal(err)
	}
	before := v.content(t)
	v.ruin(t)
	if got := differences(before, v.content(t)); len(got) < 6 {
		t.Fatalf("only %v was ruined", got)
	}
	out := v.byHand(t, "restore")
	if !strings.Contains(out, `{"ok":true,"snapshot":"`) || !strings.Contains(out, "restore: done") {
		t.Errorf("the restore says\n%s", out)
	}
	v.is(t, before)
	v.noTraces(t)
	if now, err := os.Stat(lock); err != nil || !os.SameFile(locked, now) {
		t.Errorf("the file that is locked is another one: %v", err)
	}
	// What was restored is in use: the trigger fires, keys are checked.
	v.mysql(t, "USE edxapp; INSERT INTO enrolment (learner_id, course) VALUES (1, 'stars')")
	if got := v.mysql(t, "SELECT what FROM edxapp.history; SELECT edxapp.twice(21)"); got != "stars\n42\n" {
		t.Errorf("the trigger and the function give %q", got)
	}
	if o := v.run(t, "backup", command(`mysql --defaults-extra-file=/portal/secrets/mysql.cnf -e "INSERT INTO edxapp.enrolment (learner_id) VALUES (99)"`)); o.exit == 0 {
		t.Error("a row without its parent was taken")
	}
	v.noChange(t)
}

// noTraces asserts that nothing that a restore works with is left.
func (v *vault) noTraces(t *testing.T) {
	t.Helper()
	for _, name := range []string{"backups/restoring", "data/media/.portal-restore", "overrides/.portal-restore"} {
		if _, err := os.Stat(filepath.Join(v.Directory(), name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
	for name, text := range v.content(t) {
		if strings.Contains(text, "portal_restore") || strings.Contains(text, "portal_before") {
			t.Errorf("%s has something left:\n%s", name, text)
		}
	}
}

func (v *vault) testEarlier(t *testing.T) {
	first, before := v.must(t, "backup", env("BACKUP_KEEP_LAST", "9")).result.Snapshot, v.content(t)
	v.put(t, filepath.Join(v.media(), "later"), []byte("later"))
	v.must(t, "backup", env("BACKUP_KEEP_LAST", "9"))
	o := v.must(t, "restore", env("RESTORE_SNAPSHOT", first[:10]))
	if o.result.Snapshot != first || !slices.Equal(o.result.Parts, []string{"mysql", "mongo", "media", "overrides"}) {
		t.Errorf("the result is %s", o.stdout)
	}
	v.is(t, before)
}

func (v *vault) testPart(t *testing.T) {
	before := v.content(t)
	only := v.must(t, "backup", env("BACKUP_INCLUDE", "mysql media"), env("BACKUP_KEEP_LAST", "9")).result.Snapshot
	v.ruin(t)
	ruined := v.content(t)
	v.refused(t, "restore", "has no mongo", env("RESTORE_INCLUDE", "mongo"), env("RESTORE_SNAPSHOT", only))
	v.must(t, "restore", env("RESTORE_INCLUDE", "mysql"), env("RESTORE_SNAPSHOT", only))
	mixed := maps.Clone(ruined)
	mixed["mysql"] = before["mysql"]
	v.is(t, mixed)
	v.must(t, "restore", env("RESTORE_SNAPSHOT", only))
	now := v.content(t)
	for _, name := range differences(before, now) {
		if name != "mongo" && !strings.HasPrefix(name, "overrides") {
			t.Errorf("%s was not restored", name)
		}
	}
	if now["mongo"] != ruined["mongo"] {
		t.Error("the document store was touched")
	}
	v.sh(t, "restic --no-cache forget -q "+only)
	v.must(t, "restore")
}

// The task refuses while the portal's services are up, or somebody is in MySQL.
func (v *vault) testWriters(t *testing.T) {
	before := v.content(t)
	ctx := enginetest.Context(t)
	lms, err := v.Docker.ContainerCreate(ctx, &container.Config{Image: enginetest.Image(t), Cmd: []string{"sleep", "600"}}, &container.HostConfig{},
		&network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{v.Name + "_default": {Aliases: []string{"lms"}}}}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	remove := func() {
		if err := v.Docker.ContainerRemove(enginetest.Context(t), lms.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	}
	if err := v.Docker.ContainerStart(ctx, lms.ID, container.StartOptions{}); err != nil {
		remove()
		t.Fatal(err)
	}
	v.refused(t, "restore", "these services run and must not meanwhile: lms.")
	remove()

	r := v.begin(t, "backup", command(`echo connecting >&2; mysql --defaults-extra-file=/portal/secrets/mysql.cnf -e "SELECT SLEEP(600)"`))
	eventually(t, "a connection", func() bool {
		return strings.Contains(v.mysql(t, "SELECT info FROM information_schema.processlist"), "SLEEP(600)")
	})
	v.refused(t, "restore", "MySQL is in use: root from ")
	v.is(t, before)
	v.must(t, "restore", env("RESTORE_FORCE", "1"))
	r.kill(t)
	// The server may go on without its client, or end by itself at this moment.
	v.sh(t, `mysql --defaults-extra-file=/portal/secrets/mysql.cnf -N -e "
		SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)'" |
		mysql --defaults-extra-file=/portal/secrets/mysql.cnf --force || true`)
	eventually(t, "the end of the connection", func() bool {
		return !strings.Contains(v.mysql(t, "SELECT info FROM information_schema.processlist"), "SLEEP(600)")
	})
}

func (v *vault) testNoSuchSnapshot(t *testing.T) {
	before := v.content(t)
	v.refused(t, "restore", `no snapshot "ffffffff" of portal `+v.Name, env("RESTORE_SNAPSHOT", "ffffffff"))
	v.refused(t, "restore", `no snapshot "latest" of portal nobody`, env("RESTORE_PORTAL", "nobody"))
	v.is(t, before)
}

// A snapshot that is not whole is found out before anything is touched.
func (v *vault) testDamagedSnapshot(t *testing.T) {
	before := v.content(t)
	damaged := env("RESTIC_REPOSITORY", "/portal/backups/damaged")

	// The manifest does not fit: somebody made it by hand.
	v.sh(t, `cp -r /portal/backups/restic /portal/backups/damaged; export RESTIC_REPOSITORY=/portal/backups/damaged
mkdir -p /portal/backups/staging
restic --no-cache restore -q --target /portal/backups/staging latest:/portal/backups/staging
echo "DROP TABLE learner;" >>/portal/backups/staging/mysql/edxapp.tables.sql
restic --no-cache backup -q --host forger --tag portal=`+v.Name+` /portal/backups/staging /edx/var/media
rm -r /portal/backups/staging`)
	v.refused(t, "restore", "does not hold what its manifest says", damaged)

	// The repository's data are damaged.
	for name := range tree(t, filepath.Join(v.Directory(), "backups", "damaged", "data")) {
		file := filepath.Join(v.Directory(), "backups", "damaged", "data", name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			if err := os.Truncate(file, info.Size()/2); err != nil {
				t.Fatal(err)
			}
		}
	}
	v.refused(t, "restore", "reading the snapshot failed", damaged)
	v.is(t, before)
	v.noTraces(t)
	v.sh(t, "rm -rf /portal/backups/damaged")
}

// A switch that fails half-way is undone.
func (v *vault) testSwitchFails(t *testing.T) {
	before := v.content(t)
	v.ruin(t)
	// A view whose tables are gone cannot be made again.
	v.mysql(t, "DROP VIEW edxapp.learners")
	ruined := v.content(t)
	r := v.begin(t, "restore")
	r.await(t, "switching mysql")
	if err := v.Docker.ContainerKill(enginetest.Context(t), v.Container("mongo-1"), "KILL"); err != nil {
		t.Fatal(err)
	}
	o := r.wait(t)
	if o.exit == 0 || !strings.Contains(o.result.Error, "asking the document store failed") || !strings.Contains(o.stderr, "switching mongo") {
		t.Fatalf("exit code %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	if err := v.Docker.ContainerStart(enginetest.Context(t), v.Container("mongo-1"), container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	v.awaitHealthy(t, "mongo-1")
	// The loaded collections could not be removed while it was down.
	now := v.content(t)
	now["mongo"], ruined["mongo"] = "", ""
	if got := differences(ruined, now); len(got) != 0 {
		t.Errorf("these are not as before the restore: %v", got)
	}
	v.must(t, "restore")
	v.is(t, before)
	v.noTraces(t)
}

// Killed before it switches, a restore has changed nothing; killed while it
// switches, the next run goes back and does it again, and no backup is made of
// what is between.
func (v *vault) testKilledRestore(t *testing.T) {
	before := v.content(t)
	for _, step := range []string{"loading mysql", "loading media", "switching mysql", "switching mongo", "switching overrides"} {
		v.ruin(t)
		ruined := v.content(t)
		r := v.begin(t, "restore")
		r.await(t, step)
		r.kill(t)
		_, err := os.Stat(filepath.Join(v.Directory(), "backups", "restoring", "switching"))
		between := err == nil
		if strings.HasPrefix(step, "switching") && step != "switching overrides" && !between {
			t.Errorf("killed too late while %s: this shows nothing", step)
		}
		if !strings.HasPrefix(step, "switching") {
			for _, name := range differences(ruined, v.content(t)) {
				if name != "mongo" && name != "mysql" && !strings.Contains(name, ".portal-restore") && name != "data/media" && name != "overrides" {
					t.Errorf("killed while %s, %s is another", step, name)
				}
			}
		}
		if between {
			v.refused(t, "backup", "a restore was cut off")
		}
		v.must(t, "restore")
		v.is(t, before)
		v.noTraces(t)
	}
}

// Another portal gets the data, and keeps its own secrets, domain and overrides.
func (v *vault) testClone(t *testing.T) {
	v.must(t, "backup")
	staging := newVault(t)
	own := staging.content(t)
	secrets := tree(t, filepath.Join(staging.Directory(), "secrets"))
	from := []option{
		mounted(filepath.Join(v.Directory(), "backups", "restic"), "/portal/source"),
		mounted(filepath.Join(v.Directory(), "secrets", "restic-password"), "/portal/secrets/source-password"),
		env("RESTIC_REPOSITORY", "/portal/source"), env("RESTIC_PASSWORD_FILE", "/portal/secrets/source-password"), env("RESTORE_PORTAL", v.Name),
	}
	source := v.repository(t)
	staging.must(t, "restore", from...)
	same(t, filepath.Join(v.Directory(), "backups", "restic"), source)
	same(t, filepath.Join(staging.Directory(), "secrets"), secrets)

	want := v.content(t)
	maps.DeleteFunc(want, func(name, _ string) bool { return strings.HasPrefix(name, "overrides") })
	for name, text := range own {
		if strings.HasPrefix(name, "overrides") {
			want[name] = text
		}
	}
	want["mysql"] = strings.ReplaceAll(want["mysql"], v.domain, staging.domain)
	staging.is(t, want)
	staging.noTraces(t)
	staging.noChange(t)
	// It is a portal of its own: it logs in, and its backups are its own.
	code, out := staging.exec(t, "mysql-1", `MYSQL_PWD="$(cat /portal/secrets/mysql-password)" mysql --host=127.0.0.1 --user=edxapp edxapp -Ne 'SELECT COUNT(*) FROM learner'`)
	if code != 0 || out != "2" {
		t.Errorf("the portal's own user reads %q, %d", out, code)
	}
	staging.must(t, "backup")
	if found := staging.snapshots(t); len(found) != 1 {
		t.Errorf("its own repository has the snapshots %v", found)
	}
}
