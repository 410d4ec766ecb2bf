// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
)

func response(s container.State, restarts int) container.InspectResponse {
	return container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{
		State: &s, RestartCount: restarts,
		HostConfig: &container.HostConfig{Resources: container.Resources{Memory: 512 << 20}},
	}}
}

func TestJudge(t *testing.T) {
	running := container.State{Status: "running", Running: true}
	with := func(status container.HealthStatus) container.State {
		s := running
		s.Health = &container.Health{Status: status, FailingStreak: 3, Log: []*container.HealthcheckResult{{ExitCode: 22, Output: "503\n"}}}
		return s
	}
	afterPause := running
	afterPause.Health = &container.Health{Status: container.Unhealthy}
	for name, c := range map[string]struct {
		judge    func(container.InspectResponse) (bool, error)
		is       container.InspectResponse
		done     bool
		complain string
	}{
		"runs without a check":    {judgeHealth, response(running, 0), true, ""},
		"starting":                {judgeHealth, response(with("starting"), 0), false, ""},
		"healthy":                 {judgeHealth, response(with("healthy"), 0), true, ""},
		"unhealthy":               {judgeHealth, response(with("unhealthy"), 0), false, "failed 3 times in a row, last with exit code 22: 503"},
		"unhealthy since a pause": {judgeHealth, response(afterPause, 0), false, ""},
		"runs after restarts":     {judgeHealth, response(running, 5), true, ""},
		"restarting once":         {judgeHealth, response(container.State{Status: "restarting", Running: true, Restarting: true}, 1), false, ""},
		"restarting all the time": {judgeHealth, response(container.State{Status: "restarting", Restarting: true, ExitCode: 1}, 3), false, "again and again (3 restarts): it ended with exit code 1"},
		"out of memory":           {judgeHealth, response(container.State{Status: "exited", ExitCode: 137, OOMKilled: true}, 0), false, "137, killed because it ran out of memory (its limit is 512MiB)"},
		"never started":           {judgeHealth, response(container.State{Status: "created", Error: "no such file"}, 0), false, "did not start: no such file"},
		"paused":                  {judgeHealth, response(container.State{Status: "paused", Running: true, Paused: true}, 0), false, "paused"},
		"task runs":               {judgeDone, response(running, 0), false, ""},
		"task done":               {judgeDone, response(container.State{Status: "exited"}, 0), true, ""},
		"task failed":             {judgeDone, response(container.State{Status: "exited", ExitCode: 3}, 0), false, "exit code 3"},
		"task never started":      {judgeDone, response(container.State{Status: "created"}, 0), false, "not started"},
	} {
		t.Run(name, func(t *testing.T) {
			done, err := c.judge(c.is)
			if done != c.done || (err != nil) != (c.complain != "") {
				t.Fatalf("done %t, %v; want %t, %q", done, err, c.done, c.complain)
			}
			if err != nil && !strings.Contains(err.Error(), c.complain) {
				t.Errorf("%q does not say %q", err, c.complain)
			}
		})
	}
}

func TestHealthCommand(t *testing.T) {
	for name, c := range map[string]struct {
		config container.Config
		want   string
	}{
		"none":     {container.Config{}, ""},
		"disabled": {container.Config{Healthcheck: &container.HealthConfig{Test: []string{"NONE"}}}, ""},
		"command":  {container.Config{Healthcheck: &container.HealthConfig{Test: []string{"CMD", "curl", "-f"}}}, "curl|-f"},
		"shell":    {container.Config{Healthcheck: &container.HealthConfig{Test: []string{"CMD-SHELL", "a && b"}}}, "/bin/sh|-c|a && b"},
		"own shell": {container.Config{
			Shell: []string{"/bin/bash", "-ec"}, Healthcheck: &container.HealthConfig{Test: []string{"CMD-SHELL", "a"}},
		}, "/bin/bash|-ec|a"},
	} {
		if got := strings.Join(healthCommand(&c.config), "|"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
