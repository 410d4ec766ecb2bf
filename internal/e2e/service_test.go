// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

const chatAddress = "portal_service.chat"

// withChat is the portal with a service of the user's own, which says the name
// of the container that answers and a word.
func (a *academy) withChat(image, word string) string {
	script := "mkdir -p /tmp/www && echo \\\"$(hostname) says " + word + "\\\" >/tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"
	return a.config("lms = { "+withEnvironment+" }") + fmt.Sprintf(`
resource "portal_service" "chat" {
  portal   = %s.name
  name     = "chat"
  image    = %q
  command  = ["sh", "-c", "%s"]
  user     = "1000:1000"
  replicas = 2
  routes   = [{ host = %q, port = 8080 }]
  healthcheck = {
    test     = ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"]
    interval = "5s"
  }
  start_after = ["redis"]
}
`, academyAddress, image, script, a.chat())
}

func (a *academy) chat() string { return "chat." + a.domain }

// A service of the user's own is a member of the stack like any other.
func (a *academy) testService(t *testing.T) {
	before := a.Started(t)
	a.tf.Write(t, a.withChat(enginetest.ImageName, "hello"))
	r := a.applyVisited(t)
	t.Logf("added in %s", r.Took)
	a.untouched(t, before)
	a.has(t, everything("chat-1", "chat-2")...)
	a.chatAnswers(t, "hello", "chat-1", "chat-2")
	a.noChange(t)

	t.Run("drift", func(t *testing.T) {
		before := a.Started(t)
		if err := a.Docker.ContainerRemove(enginetest.Context(t), a.Container("chat-2"), container.RemoveOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
		plan := a.tf.Plan(t)
		if change, ok := plan.Changes[chatAddress]; !ok || len(plan.Changes) != 1 || !slices.Equal(change.Actions, []string{"update"}) {
			t.Errorf("the plan is not an update of the service alone:\n%s", plan.Text)
		}
		a.tf.Apply(t)
		a.untouched(t, before, "chat-2")
		a.chatAnswers(t, "hello", "chat-1", "chat-2")
		a.noChange(t)
	})
	t.Run("update", func(t *testing.T) {
		before := a.Started(t)
		a.tf.Write(t, a.withChat(enginetest.ImageName, "goodbye"))
		a.applyVisited(t)
		a.untouched(t, before, "chat-1", "chat-2")
		a.chatAnswers(t, "goodbye", "chat-1", "chat-2")
		a.noChange(t)
	})
	t.Run("broken update", func(t *testing.T) {
		broken := "portal-test/" + a.Name + ":chat"
		enginetest.ImportImage(t, a.Docker, broken, `ENTRYPOINT ["sh", "-c", "echo the cat unplugged it >&2; exit 3"]`)
		t.Cleanup(func() {
			if _, err := a.Docker.ImageRemove(enginetest.Context(t), broken, image.RemoveOptions{Force: true}); err != nil {
				t.Error(err)
			}
		})
		before := a.Started(t)
		a.tf.Write(t, a.withChat(broken, "goodbye"))
		r := a.tf.Fail(t)
		says(t, r, "Portal "+a.Name, "chat", "the cat unplugged it", "serves as before")
		a.untouched(t, before)
		a.chatAnswers(t, "goodbye", "chat-1", "chat-2")
		a.tf.Write(t, a.withChat(enginetest.ImageName, "goodbye"))
		a.noChange(t)
	})
	t.Run("name of the blueprint's", func(t *testing.T) {
		a.tf.Write(t, strings.Replace(a.withChat(enginetest.ImageName, "goodbye"), `name     = "chat"`, `name     = "forum"`, 1))
		r := a.tf.Run(t, "plan", "-input=false", "-no-color")
		if r.ExitCode == 0 {
			t.Errorf("the plan accepts a name that the blueprint has:\n%s", r.Output)
		}
		says(t, r, "forum", "blueprint")
	})

	before = a.Started(t)
	a.tf.Write(t, a.config("lms = { "+withEnvironment+" }"))
	a.applyVisited(t)
	a.untouched(t, before, "chat-1", "chat-2")
	a.has(t, everything()...)
	if got := a.browser(t).get(t, a.chat(), "/"); got.status != 404 {
		t.Errorf("the hostname of a service that is gone answers %d: %s", got.status, got.body)
	}
	a.noChange(t)
}

// chatAnswers asserts that all containers answer behind the one hostname.
func (a *academy) chatAnswers(t *testing.T, word string, members ...string) {
	t.Helper()
	missing := map[string]bool{}
	for _, m := range members {
		missing[a.Inspect(t, m).Config.Hostname+" says "+word] = true
	}
	b := a.browser(t)
	eventually(t, "an answer of each container of the chat", func() bool {
		delete(missing, strings.TrimSpace(b.page(t, a.chat(), "/")))
		return len(missing) == 0
	})
}
