// SPDX-License-Identifier: MPL-2.0

package schedule_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	agent "github.com/privateportals/terraform-provider-portal/internal/agent/schedule"
)

// TestRestartDuringARun ends the scheduler while a run goes on, which it must
// not disturb. The next one records it: as it goes on, or after its end.
func TestRestartDuringARun(t *testing.T) {
	for name, down := range map[string]time.Duration{"the run goes on": time.Minute, "the run ended meanwhile": 20 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bed) {
				id := b.task("acme", "backup", hourly, program{takes: 10 * time.Minute, code: 7, log: "disk full"})
				b.start()
				pass(62 * time.Minute)
				before := time.Now()
				b.stop()
				if d := time.Since(before); d > time.Second {
					t.Errorf("the scheduler took %s to end", d)
				}
				if !b.docker.state(id).Running {
					t.Fatal("the run ended with the scheduler")
				}
				pass(down)
				b.start()
				pass(30 * time.Minute)
				b.wantStarts(id, "01:00:00")
				b.wantTriggers("acme", "backup", "schedule")
				run := b.history("acme", "backup").Runs[0]
				if run.ExitCode != 7 || run.Log != "disk full" || run.Finished.Sub(run.Started) != 10*time.Minute || run.Due.IsZero() {
					t.Errorf("the run is recorded as %+v", run)
				}
			})
		})
	}
}

// TestContainerVanishes removes a container while it runs.
func TestContainerVanishes(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", hourly, program{takes: 10 * time.Minute})
		b.start()
		pass(61 * time.Minute)
		b.docker.remove(id)
		pass(time.Minute)
		run, _ := b.history("acme", "backup").Last()
		if run.OK || run.ExitCode != -1 || !strings.Contains(run.Reason, "removed while it ran") {
			t.Errorf("the run is recorded as %+v", run)
		}
		id = b.task("acme", "backup", hourly, program{takes: time.Minute})
		pass(time.Hour)
		b.wantStarts(id, "02:00:00")
		b.wantTriggers("acme", "backup", "schedule schedule")
	})
}

// TestContainerVanishesUnseen removes it while the scheduler does not run.
func TestContainerVanishesUnseen(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", hourly, program{takes: 10 * time.Minute})
		b.start()
		pass(61 * time.Minute)
		b.stop()
		b.docker.remove(id)
		id = b.task("acme", "backup", hourly, program{takes: time.Minute})
		pass(2*time.Hour + 5*time.Minute)
		b.start()
		pass(10 * time.Minute)
		b.wantStarts(id, "03:06:00")
		b.wantTriggers("acme", "backup", "schedule catch-up")
	})
}

// TestPortalVanishes removes a portal with its directory during a run.
func TestPortalVanishes(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", hourly, program{takes: 10 * time.Minute})
		other := b.task("beta", "tick", everyMinute, program{takes: time.Second})
		b.start()
		pass(61 * time.Minute)
		if err := os.RemoveAll(filepath.Join(b.drive.Root, "acme")); err != nil {
			t.Fatal(err)
		}
		b.docker.remove(id)
		pass(time.Minute)
		if _, err := os.Stat(filepath.Join(b.drive.Root, "acme")); err == nil {
			t.Error("the scheduler made the portal's directory anew")
		}
		if n := len(b.docker.starts(other)); n != 62 {
			t.Errorf("another portal's task was started %d times, want 62", n)
		}
	})
}

func TestDockerRestarts(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "tick", everyMinute, program{takes: time.Second})
		b.start()
		pass(90 * time.Second)
		b.docker.fault(func(d *fakeDocker) { d.down = true })
		pass(4 * time.Minute)
		b.docker.fault(func(d *fakeDocker) { d.down = false })
		pass(time.Minute)
		starts := b.docker.starts(id)
		if len(starts) < 2 || starts[1].Sub(starts[0]) > 4*time.Minute+50*time.Second {
			t.Errorf("after Docker came back, started at %v", starts)
		}
		pass(2 * time.Minute)
		if got := len(b.docker.starts(id)); got != len(starts)+2 {
			t.Errorf("then started %d times in two minutes", got-len(starts))
		}
	})
}

// TestDockerStaysAway ends the scheduler, so that Docker starts it with the
// socket that it has by then.
func TestDockerStaysAway(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.start()
		pass(time.Minute)
		b.docker.fault(func(d *fakeDocker) { d.down = true })
		pass(10 * time.Minute)
		select {
		case err := <-b.ended:
			if err == nil || !strings.Contains(err.Error(), "Docker has not answered") {
				t.Errorf("it ended with %v", err)
			}
			b.end()
			b.end = nil
		default:
			t.Error("it goes on without Docker")
		}
	})
}

// TestAnswerOfTheStartIsLost must not start the task twice.
func TestAnswerOfTheStartIsLost(t *testing.T) {
	for name, takes := range map[string]time.Duration{"a long run": 5 * time.Minute, "a run that is over at once": 0} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bed) {
				id := b.task("acme", "backup", hourly, program{takes: takes})
				b.docker.fault(func(d *fakeDocker) { d.loseStarts = 1 })
				b.start()
				pass(90 * time.Minute)
				b.wantStarts(id, "01:00:00")
				b.wantTriggers("acme", "backup", "schedule")
			})
		})
	}
}

// TestEndBeforeTheStart ends the scheduler when it has written down a run that
// Docker never heard of.
func TestEndBeforeTheStart(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", hourly, program{takes: time.Minute})
		b.docker.fault(func(d *fakeDocker) { d.dropStarts = true })
		b.start()
		pass(61 * time.Minute)
		b.stop()
		if b.history("acme", "backup").Pending == nil {
			t.Fatal("the run was not written down before its start")
		}
		b.docker.fault(func(d *fakeDocker) { d.dropStarts = false })
		pass(4 * time.Minute)
		b.start()
		pass(10 * time.Minute)
		b.wantStarts(id, "01:05:00")
		b.wantTriggers("acme", "backup", "catch-up")
	})
}

// TestEndBeforeTheRecord ends the scheduler while it reads what a run wrote: the
// next one records the whole.
func TestEndBeforeTheRecord(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.task("acme", "backup", hourly, program{takes: time.Minute, log: "done"})
		b.docker.fault(func(d *fakeDocker) { d.logHangs = true })
		b.start()
		pass(61*time.Minute + time.Second)
		b.stop()
		b.docker.fault(func(d *fakeDocker) { d.logHangs = false })
		b.start()
		pass(time.Minute)
		if run, _ := b.history("acme", "backup").Last(); !run.OK || run.Log != "done" {
			t.Errorf("the run is recorded as %+v", run)
		}
	})
}

// TestContainerIsPutAside during a run, and another one takes its place.
func TestContainerIsPutAside(t *testing.T) {
	inBubble(t, func(b *bed) {
		old := b.task("acme", "backup", hourly, program{takes: 90 * time.Minute})
		b.start()
		pass(70 * time.Minute)
		b.docker.rename(old, "acme-backup_previous")
		fresh := b.task("acme", "backup", hourly, program{takes: time.Minute})
		pass(2 * time.Hour)
		b.wantStarts(old, "01:00:00")
		b.wantStarts(fresh, "03:00:00")
		b.wantTriggers("acme", "backup", "skipped schedule schedule")
	})
}

func TestDockerRefuses(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", hourly, program{takes: time.Minute})
		b.docker.fault(func(d *fakeDocker) { d.refuse = errors.New("bind source path does not exist") })
		b.start()
		pass(90 * time.Minute)
		run, _ := b.history("acme", "backup").Last()
		if run.OK || run.ExitCode != -1 || !strings.Contains(run.Reason, "could not start it: bind source path") {
			t.Errorf("a start that failed is recorded as %+v", run)
		}
		b.docker.fault(func(d *fakeDocker) { d.refuse = nil })
		pass(time.Hour)
		b.wantStarts(id, "02:00:00")
	})
}

// TestEventsAreLost has a stream that says nothing: the list of each minute
// tells of changes.
func TestEventsAreLost(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.docker.fault(func(d *fakeDocker) { d.deaf = true })
		b.start()
		pass(time.Minute)
		id := b.task("acme", "backup", hourly, program{takes: 30 * time.Second})
		pass(2 * time.Hour)
		b.wantStarts(id, "01:00:00", "02:00:00")
		b.wantTriggers("acme", "backup", "schedule schedule")
	})
}

// TestRunWhileNobodyLooks happens between two streams of events.
func TestRunWhileNobodyLooks(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "report", `{}`, program{takes: 20 * time.Second})
		b.start()
		pass(2 * time.Second)
		b.docker.fault(func(d *fakeDocker) { d.deaf = true })
		b.docker.startByHand(id)
		pass(25 * time.Second)
		b.docker.fault(func(d *fakeDocker) { d.down = true })
		pass(time.Second)
		b.docker.fault(func(d *fakeDocker) { d.down = false })
		pass(20 * time.Second)
		b.wantTriggers("acme", "report", "manual")
	})
}

// TestDriveIsAway keeps the runs' records until the drive is back, and starts
// nothing that it could not record.
func TestDriveIsAway(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", `{"cron":"*/2 * * * *"}`, program{takes: 30 * time.Second})
		b.start()
		pass(2*time.Minute + 10*time.Second)
		b.drive.gone(errors.New("stale file handle"))
		pass(30 * time.Second) // the run ends
		b.drive.gone(nil)
		pass(20 * time.Second)
		b.wantTriggers("acme", "backup", "schedule")

		b.drive.gone(errors.New("stale file handle"))
		pass(90 * time.Second) // 00:04:30
		b.drive.gone(nil)
		pass(time.Minute)
		starts := b.docker.starts(id)
		if len(starts) != 2 || starts[1].Sub(starts[0]) < 2*time.Minute+30*time.Second {
			t.Errorf("started at %v, and the drive was away until 00:04:30", starts)
		}
	})
}

// TestDriveStaysAway ends the scheduler, so that Docker starts it with the
// mount as it is then.
func TestDriveStaysAway(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.start()
		pass(time.Minute)
		b.drive.gone(errors.New("stale file handle"))
		pass(5 * time.Minute)
		select {
		case err := <-b.ended:
			if err == nil || !strings.Contains(err.Error(), "stale file handle") {
				t.Errorf("it ended with %v", err)
			}
			b.end()
			b.end = nil
		default:
			t.Error("it goes on without the drive")
		}
	})
}

func TestUnreadableHistory(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", hourly, program{takes: time.Second})
		b.write("acme/records/runs-backup.json", "{ half")
		b.start()
		pass(90 * time.Minute)
		b.wantStarts(id, "01:00:00")
		b.wantTriggers("acme", "backup", "schedule")
	})
}

func TestClockJumps(t *testing.T) {
	t.Run("forward", func(t *testing.T) {
		inBubble(t, func(b *bed) {
			id := b.task("acme", "backup", hourly, program{takes: time.Second})
			b.start()
			pass(70 * time.Minute)
			b.jump(5 * time.Hour) // 06:10
			pass(time.Minute)
			if starts := b.docker.starts(id); len(starts) != 2 || starts[1].Format("15:04") != "06:10" {
				t.Errorf("started at %v, want one run that makes up for five", starts)
			}
			pass(time.Hour)
			b.wantTriggers("acme", "backup", "schedule catch-up schedule")
		})
	})
	t.Run("far back", func(t *testing.T) {
		inBubble(t, func(b *bed) {
			b.clock("2030-01-01T00:30:00Z")
			id := b.task("acme", "backup", hourly, program{takes: time.Second})
			b.start()
			pass(40 * time.Minute)
			b.clock("2026-01-01T00:30:00Z")
			pass(100 * time.Minute)
			b.wantStarts(id, "01:00:00", "01:00:00", "02:00:00")
		})
	})
	t.Run("a little back", func(t *testing.T) {
		inBubble(t, func(b *bed) {
			id := b.task("acme", "backup", hourly, program{takes: time.Second})
			b.start()
			pass(time.Hour + 2*time.Second)
			b.jump(-4 * time.Second)
			pass(time.Minute)
			b.wantStarts(id, "01:00:00")
		})
	})
	t.Run("during a run", func(t *testing.T) {
		inBubble(t, func(b *bed) {
			id := b.task("acme", "backup", `{"cron":"0 * * * *","jitter":"0s","timeout":"1h0m0s"}`, program{takes: 30 * time.Minute})
			b.start()
			pass(61 * time.Minute)
			b.jump(24 * time.Hour)
			pass(20 * time.Minute)
			if !b.docker.state(id).Running {
				t.Error("the run was stopped by the jump")
			}
			pass(20 * time.Minute)
			if run, _ := b.history("acme", "backup").Last(); !run.OK {
				t.Errorf("the run is recorded as %+v", run)
			}
		})
	})
}

// TestKilledAtAnyMoment ends and starts the scheduler, Docker and the drive at
// random moments. Whatever happens, no due time has two runs, and every hour
// has one before the next.
func TestKilledAtAnyMoment(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(b *bed) {
				random := rand.New(rand.NewPCG(seed, 1))
				id := b.task("acme", "backup", hourly, program{takes: 3 * time.Minute})
				b.start()
				pass(59*time.Minute + 59*time.Second)
				for range 40 {
					pass(time.Duration(random.Int64N(int64(20 * time.Second))))
					switch random.IntN(4) {
					case 0:
						b.stop()
						pass(time.Duration(random.Int64N(int64(5 * time.Second))))
						b.start()
					case 1:
						b.docker.fault(func(d *fakeDocker) { d.down = !d.down })
					case 2:
						b.docker.fault(func(d *fakeDocker) { d.loseStarts = 1 })
					case 3:
						if b.drive.err() == nil {
							b.drive.gone(errors.New("stale file handle"))
							pass(time.Duration(random.Int64N(int64(10 * time.Second))))
						}
						b.drive.gone(nil)
					}
				}
				b.docker.fault(func(d *fakeDocker) { d.down = false })
				pass(2*time.Hour + 40*time.Minute - b.now().Sub(at(t, "2000-01-01T00:00:00Z")))
				starts := b.docker.starts(id)
				if len(starts) != 2 {
					t.Errorf("started at %v, want one for 01:00 and one for 02:00", starts)
				}
				h := b.history("acme", "backup")
				if len(h.Runs) != 2 || !h.Runs[0].OK || !h.Runs[1].OK || h.Pending != nil {
					t.Errorf("the history is %+v", h)
				}
			})
		})
	}
}

var _ agent.Docker = (*fakeDocker)(nil)
