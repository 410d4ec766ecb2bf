// SPDX-License-Identifier: MPL-2.0

package dockersim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// step is one request, and what of its answer counts. NAME in it stands for a
// prefix of the test's own, IMAGE for the test image.
type step struct {
	method, path string
	body         any
	// fields of the answer, "State.Status"; "Networks#" for the names of the
	// members alone; "" for all.
	fields []string
	// says is what a refusal has to contain: texts that the engine reads.
	says string
}

// labelled is a service's create call.
func labelled(more map[string]any) map[string]any {
	const network = "NAME_a"
	host := map[string]any{
		"NetworkMode": network, "Memory": 64 << 20, "MemorySwap": 64 << 20, "NanoCpus": 500_000_000, "PidsLimit": 50,
		"RestartPolicy": map[string]any{"Name": "unless-stopped"},
	}
	maps.Copy(host, more)
	return map[string]any{
		"Image": "IMAGE", "Cmd": []string{"sleep", "infinity"}, "StopSignal": "SIGKILL",
		"Labels":     map[string]string{"io.privateportals.portal": "NAME"},
		"HostConfig": host,
		"NetworkingConfig": map[string]any{"EndpointsConfig": map[string]any{
			network: map[string]any{"Aliases": []string{"web"}},
		}},
		"ExposedPorts": map[string]any{"8080/tcp": map[string]any{}},
	}
}

func publishing(port string) map[string]any {
	return map[string]any{"PortBindings": map[string]any{"8080/tcp": []map[string]string{{"HostIp": "127.0.0.1", "HostPort": port}}}}
}

func subnet(name, cidr string, internal bool) map[string]any {
	return map[string]any{
		"Name": name, "Driver": "bridge", "Internal": internal, "CheckDuplicate": true,
		"Labels": map[string]string{"io.privateportals.portal": "NAME"},
		"IPAM":   map[string]any{"Config": []map[string]string{{"Subnet": cidr}}},
	}
}

var (
	ofInspect = []string{
		"Name", "Config.Image", "Config.Cmd", "Config.Labels", "State.Status", "State.Running", "State.Paused",
		"State.Restarting", "State.Error", "RestartCount", "HostConfig.Memory", "HostConfig.NanoCpus",
		"HostConfig.PidsLimit", "HostConfig.RestartPolicy", "HostConfig.NetworkMode", "HostConfig.CpuQuota",
		"NetworkSettings.Networks#", "NetworkSettings.Ports#", "Mounts",
	}
	ofList = []string{
		"Names", "Image", "State", "Labels", "NetworkSettings.Networks#", "HostConfig", "Mounts",
		"Ports.PrivatePort", "Ports.PublicPort", "Ports.IP", "Ports.Type",
	}
	ofNetwork = []string{"Name", "Driver", "Internal", "Labels", "IPAM.Config.Subnet"}
	byPortal  = `?all=1&filters={"label":{"io.privateportals.portal=NAME":true}}`
)

// script is a portal's life, with every mistake that is made on the way.
var script = []step{
	{method: "GET", path: "/images/IMAGE/json", fields: []string{"RepoTags", "Os", "Config.Cmd"}},
	{method: "GET", path: "/images/NAME/none:1/json", says: "No such image"},
	{method: "POST", path: "/images/create?fromImage=NAME..UPPER&tag=1", says: "invalid reference format"},

	{method: "POST", path: "/networks/create", body: subnet("NAME_a", "10.213.255.0/26", false)},
	{method: "POST", path: "/networks/create", body: subnet("NAME_a", "10.213.255.64/26", true), says: "already exists"},
	{method: "POST", path: "/networks/create", body: subnet("NAME_b", "10.213.255.0/28", true), says: "overlap"},
	{method: "POST", path: "/networks/create", body: subnet("NAME_b", "10.213.255.64/26", true)},
	{method: "GET", path: "/networks" + `?filters={"label":["io.privateportals.portal=NAME"],"name":["_b"]}`, fields: ofNetwork},
	{method: "GET", path: "/networks/NAME_a", fields: append(slices.Clone(ofNetwork), "Containers#")},
	{method: "GET", path: "/networks/NAME_none", says: "not found"},

	{method: "POST", path: "/containers/create?name=NAME-web-1", body: labelled(nil)},
	{method: "POST", path: "/containers/create?name=NAME-web-1", body: labelled(nil), says: "is already in use by container"},
	{method: "POST", path: "/containers/create?name=NAME-bad", body: map[string]any{"Image": "NAME/none:1"}, says: "No such image"},
	{method: "POST", path: "/containers/create?name=-", body: labelled(nil), says: "Invalid container name"},
	{method: "POST", path: "/containers/create?name=NAME-bad", body: labelled(map[string]any{
		"Mounts": []map[string]any{{"Type": "bind", "Source": "/srv/not-there", "Target": "/data"}},
	}), says: "bind source path does not exist"},
	{method: "GET", path: "/containers/NAME-web-1/json", fields: append(slices.Clone(ofInspect), "State.StartedAt", "State.FinishedAt", "State.ExitCode")},
	{method: "GET", path: "/containers/NAME-none/json", says: "No such container"},
	{method: "GET", path: "/containers/json" + byPortal, fields: ofList},
	{method: "GET", path: `/containers/json?filters={"nonsense":{"x":true}}`, says: "nonsense"},
	{method: "POST", path: "/containers/NAME-web-1/stop"},
	{method: "POST", path: "/containers/NAME-web-1/pause", says: "is not running"},
	{method: "POST", path: "/containers/NAME-web-1/unpause", says: "is not paused"},
	{method: "POST", path: "/containers/NAME-web-1/exec", body: map[string]any{"Cmd": []string{"true"}}, says: "is not running"},

	{method: "POST", path: "/containers/NAME-none/start", says: "No such container"},
	{method: "POST", path: "/containers/NAME-web-1/start"},
	{method: "POST", path: "/containers/NAME-web-1/start"},
	{method: "GET", path: "/containers/NAME-web-1/json", fields: append(slices.Clone(ofInspect), "State.FinishedAt", "State.ExitCode")},
	{method: "GET", path: "/containers/json" + byPortal, fields: ofList},
	{method: "GET", path: "/networks/NAME_a", fields: append(slices.Clone(ofNetwork), "Containers.*.Name")},
	{method: "DELETE", path: "/networks/NAME_a", says: "has active endpoints"},
	{method: "DELETE", path: "/networks/bridge", says: "pre-defined"},
	{method: "DELETE", path: "/containers/NAME-web-1", says: "cannot remove a running container"},
	{method: "POST", path: "/networks/NAME_b/connect", body: map[string]any{"Container": "NAME-web-1"}},
	{method: "POST", path: "/networks/NAME_b/connect", body: map[string]any{"Container": "NAME-web-1"}, says: "already exists in network"},
	{method: "POST", path: "/networks/NAME_b/connect", body: map[string]any{"Container": "NAME-none"}, says: "No such container"},
	{method: "GET", path: "/containers/NAME-web-1/json", fields: []string{"NetworkSettings.Networks#"}},
	{method: "POST", path: "/networks/NAME_b/disconnect", body: map[string]any{"Container": "NAME-web-1", "Force": true}},
	{method: "POST", path: "/networks/NAME_b/disconnect", body: map[string]any{"Container": "NAME-web-1", "Force": true}, says: "is not connected to"},
	{method: "DELETE", path: "/networks/NAME_b"},
	{method: "DELETE", path: "/networks/NAME_b", says: "not found"},

	{method: "POST", path: "/containers/NAME-web-1/pause"},
	{method: "POST", path: "/containers/NAME-web-1/pause", says: "is already paused"},
	{method: "POST", path: "/containers/NAME-web-1/start", says: "cannot start a paused container"},
	{method: "DELETE", path: "/containers/NAME-web-1", says: "cannot remove a paused container"},
	{method: "GET", path: "/containers/json" + byPortal, fields: []string{"State"}},
	{method: "POST", path: "/containers/NAME-web-1/unpause"},
	{method: "POST", path: "/containers/NAME-web-1/update", body: map[string]any{
		"Memory": 32 << 20, "MemorySwap": 32 << 20, "NanoCpus": 250_000_000, "PidsLimit": 20,
		"RestartPolicy": map[string]any{"Name": "no"},
	}},
	{method: "POST", path: "/containers/NAME-web-1/update", body: map[string]any{"CpuQuota": 5000}, says: "NanoC"},
	{method: "POST", path: "/containers/NAME-web-1/update", body: map[string]any{"Memory": 128 << 20}, says: "memoryswap"},
	{method: "GET", path: "/containers/NAME-web-1/json", fields: ofInspect},

	{method: "POST", path: "/containers/create?name=NAME-web-2", body: labelled(publishing("47113"))},
	{method: "POST", path: "/containers/create?name=NAME-web-3", body: labelled(publishing("47113"))},
	{method: "POST", path: "/containers/NAME-web-2/rename?name=NAME-web-1", says: "is already in use by container"},
	{method: "POST", path: "/containers/NAME-web-2/rename?name=NAME-web-2", says: "same name"},
	{method: "POST", path: "/containers/NAME-web-2/rename?name=NAME-web-2_previous"},
	{method: "POST", path: "/containers/NAME-web-2_previous/start"},
	{method: "GET", path: "/containers/NAME-web-2_previous/json", fields: []string{"Name", "NetworkSettings.Ports"}},
	{method: "POST", path: "/containers/NAME-web-3/start", says: "port is already allocated"},
	{method: "GET", path: "/containers/NAME-web-3/json", fields: []string{"State.Status", "State.StartedAt", "State.ExitCode"}},
	{method: "DELETE", path: "/containers/NAME-web-3"},
	{method: "DELETE", path: "/containers/NAME-web-2_previous?force=1"},

	{method: "POST", path: "/containers/NAME-web-1/stop"},
	{method: "POST", path: "/containers/NAME-web-1/stop"},
	{method: "POST", path: "/containers/NAME-web-1/kill", says: "is not running"},
	{method: "GET", path: "/containers/NAME-web-1/json", fields: ofInspect},
	{method: "GET", path: `/containers/json?all=1&filters={"name":{"^/NAME-":true},"status":{"exited":true}}`, fields: []string{"Names", "State"}},
	{method: "GET", path: `/containers/json?filters={"name":{"^/NAME-":true}}`, fields: []string{"Names"}},
	{method: "DELETE", path: "/containers/NAME-web-1"},
	{method: "DELETE", path: "/containers/NAME-web-1", says: "No such container"},
	{method: "DELETE", path: "/networks/NAME_a"},
	{method: "GET", path: "/containers/json" + byPortal, fields: ofList},
	{method: "GET", path: "/exec/none/json", says: "No such exec instance"},
}

// TestSameAsDocker sends the script to a simulated host and to the real engine,
// and wants the same answers.
func TestSameAsDocker(t *testing.T) {
	docker := rawEngine{socketOf(t, enginetest.Client(t).DaemonHost()), enginetest.Image(t), enginetest.NewStack(t).Portal}
	sim := rawEngine{socketOf(t, listenWithImage(t)), enginetest.ImageName, "test-sim"}
	for i, s := range script {
		want, got := docker.do(t, s), sim.do(t, s)
		if want != got {
			t.Errorf("step %d, %s %s:\n docker: %s\n sim:    %s", i, s.method, s.path, want, got)
		}
	}
}

func socketOf(t *testing.T, endpoint string) string {
	t.Helper()
	u, err := client.ParseHostURL(endpoint)
	if err != nil || u.Scheme != "unix" {
		t.Fatalf("this test needs an engine on a local socket, and got %s, %v", endpoint, err)
	}
	return u.Host
}

// rawEngine is asked without a client in between.
type rawEngine struct{ socket, image, name string }

// do makes a request, and tells the status and what counts of the answer.
func (e rawEngine) do(t *testing.T, s step) string {
	t.Helper()
	named := strings.NewReplacer("NAME", e.name, "IMAGE", e.image)
	path, query, _ := strings.Cut(named.Replace(s.path), "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	var body io.Reader = http.NoBody
	if s.body != nil {
		text, err := json.Marshal(s.body)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader([]byte(named.Replace(string(text))))
	}
	req, err := http.NewRequestWithContext(enginetest.Context(t), s.method, "http://docker/v1.41"+path+"?"+values.Encode(), body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", e.socket)
	}}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, e.normalise(s.digest(text)))
}

var idPattern = regexp.MustCompile(`[0-9a-f]{64}`)

func (e rawEngine) normalise(text string) string {
	return idPattern.ReplaceAllString(strings.ReplaceAll(text, e.name, "NAME"), "ID")
}

// digest is what counts of an answer.
func (s step) digest(text []byte) string {
	var value any
	if len(text) > 0 && json.Unmarshal(text, &value) != nil {
		return "no JSON: " + string(text)
	}
	if answer, ok := value.(map[string]any); ok && answer["message"] != nil {
		message := fmt.Sprint(answer["message"])
		if s.says == "" || !strings.Contains(message, s.says) {
			return fmt.Sprintf("refused: %s (wanted: %q)", message, s.says)
		}
		return "refused: … " + s.says
	}
	var lines []string
	for _, f := range s.fields {
		shown, _ := json.Marshal(pick(value, f)) // plain data
		lines = append(lines, f+"="+string(shown))
	}
	if list, ok := value.([]any); ok {
		lines = append(lines, fmt.Sprint(len(list)))
	}
	return strings.Join(lines, " ")
}

// pick follows a path; through a list, it picks from each member.
func pick(value any, path string) any {
	if path == "" {
		return value
	}
	if path == "#" {
		members, _ := value.(map[string]any)
		return slices.Sorted(maps.Keys(members))
	}
	name, rest, _ := strings.Cut(path, ".")
	name, hash := strings.CutSuffix(name, "#")
	if hash {
		rest = "#"
	}
	switch value := value.(type) {
	case []any:
		out := make([]any, len(value))
		for i, member := range value {
			out[i] = pick(member, path)
		}
		return out
	case map[string]any:
		if name == "*" {
			return pick(any(slices.Collect(maps.Values(value))), rest)
		}
		return pick(value[name], rest)
	}
	return nil
}
