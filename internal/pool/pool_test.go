// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/registry"
	"github.com/opencontainers/go-digest"
)

// cleanEnvironment hides the machine's own Docker settings.
func cleanEnvironment(t *testing.T) (configDir string) {
	t.Helper()
	for _, name := range []string{"DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONTEXT"} {
		t.Setenv(name, "")
	}
	dir := t.TempDir()
	useConfigDir(t, dir)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNewRefuses(t *testing.T) {
	cleanEnvironment(t)
	host := func(endpoint string, tls *TLS) Config {
		return Config{Hosts: map[string]HostConfig{"dal-1": {Endpoint: endpoint, TLS: tls}}}
	}
	const secret = "do-not-show"
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"no scheme":        {host("10.0.0.1:2376", nil), `hosts.dal-1.endpoint: "10.0.0.1:2376" is not a Docker endpoint`},
		"empty":            {host("", nil), "hosts.dal-1.endpoint"},
		"http":             {host("http://dal-1", nil), `scheme "http" is not known`},
		"no port":          {host("tcp://dal-1", nil), "tcp://dal-1:2376"},
		"a path":           {host("tcp://dal-1:2376/docker", nil), "write tcp://<host>:<port>"},
		"tls on a socket":  {host("unix:///run/docker.sock", &TLS{}), "hosts.dal-1.tls: only a tcp:// endpoint"},
		"ca is no PEM":     {host("tcp://dal-1:2376", &TLS{CA: secret}), "hosts.dal-1.tls.ca: no PEM certificate"},
		"key without cert": {host("tcp://dal-1:2376", &TLS{Key: secret}), "hosts.dal-1.tls.cert: missing"},
		"cert without key": {host("tcp://dal-1:2376", &TLS{Cert: secret}), "hosts.dal-1.tls.key: missing"},
		"cert is no PEM":   {host("tcp://dal-1:2376", &TLS{Cert: secret, Key: secret}), "hosts.dal-1.tls.cert: no PEM certificate"},
		"host name":        {Config{Hosts: map[string]HostConfig{"a b": {Endpoint: "tcp://a:1"}}}, `"a b" is not a valid host name`},
		"registry URL":     {Config{Registries: map[string]RegistryAuth{"https://ghcr.io": {Username: "u", Password: secret}}}, `registries["https://ghcr.io"]: give the registry's host alone`},
		"no password":      {Config{Registries: map[string]RegistryAuth{"ghcr.io": {Username: "u"}}}, `registries["ghcr.io"].password: missing`},
		"no username":      {Config{Registries: map[string]RegistryAuth{"ghcr.io": {Password: secret}}}, `registries["ghcr.io"].username: missing`},
		"two kinds":        {Config{Registries: map[string]RegistryAuth{"ghcr.io": {Username: "u", Password: secret, IdentityToken: secret}}}, "not both"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(c.cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestNewNamesEveryProblem(t *testing.T) {
	cleanEnvironment(t)
	_, err := New(Config{
		Hosts:      map[string]HostConfig{"a": {Endpoint: "x"}, "b": {Endpoint: "y"}},
		Registries: map[string]RegistryAuth{"ghcr.io": {}},
	})
	for _, want := range []string{"hosts.a.endpoint", "hosts.b.endpoint", `registries["ghcr.io"]`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("does not say %q: %v", want, err)
		}
	}
}

func TestEnvironmentHost(t *testing.T) {
	id := digest.FromString("dal").Encoded()
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string)
		want    string // endpoint, or the error
	}{
		"nothing":     {func(*testing.T, string) {}, localEndpoint},
		"DOCKER_HOST": {func(t *testing.T, _ string) { t.Setenv("DOCKER_HOST", "tcp://10.0.0.9:2375") }, "tcp://10.0.0.9:2375"},
		"DOCKER_HOST beats a context": {func(t *testing.T, _ string) {
			t.Setenv("DOCKER_HOST", "unix:///a.sock")
			t.Setenv("DOCKER_CONTEXT", "dal")
		}, "unix:///a.sock"},
		"TLS without certificates": {func(t *testing.T, _ string) {
			t.Setenv("DOCKER_HOST", "tcp://10.0.0.9:2376")
			t.Setenv("DOCKER_TLS_VERIFY", "1")
		}, "DOCKER_CERT_PATH"},
		"current context": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config.json"), `{"currentContext":"dal"}`)
			write(t, filepath.Join(dir, "contexts/meta", id, "meta.json"), `{"Name":"dal","Endpoints":{"docker":{"Host":"unix:///dal.sock"}}}`)
		}, "unix:///dal.sock"},
		"default context": {func(t *testing.T, _ string) { t.Setenv("DOCKER_CONTEXT", "default") }, localEndpoint},
		"no such context": {func(t *testing.T, _ string) { t.Setenv("DOCKER_CONTEXT", "moon") }, `docker context "moon": there is no such context`},
		"context over ssh": {func(t *testing.T, dir string) {
			t.Setenv("DOCKER_CONTEXT", "dal")
			home := sshHome(t)
			write(t, filepath.Join(home, "id_ed25519"), newSSHKey(t).pem)
			write(t, filepath.Join(home, "known_hosts"), "")
			write(t, filepath.Join(dir, "contexts/meta", id, "meta.json"), `{"Endpoints":{"docker":{"Host":"ssh://ops@dal"}}}`)
		}, "ssh://ops@dal:22"},
		"unverified context": {func(t *testing.T, dir string) {
			t.Setenv("DOCKER_CONTEXT", "dal")
			write(t, filepath.Join(dir, "contexts/meta", id, "meta.json"), `{"Endpoints":{"docker":{"Host":"tcp://dal:2376","SkipTLSVerify":true}}}`)
		}, "skips the verification"},
		"context with a broken certificate": {func(t *testing.T, dir string) {
			t.Setenv("DOCKER_CONTEXT", "dal")
			write(t, filepath.Join(dir, "contexts/meta", id, "meta.json"), `{"Endpoints":{"docker":{"Host":"tcp://dal:2376"}}}`)
			write(t, filepath.Join(dir, "contexts/tls", id, "docker/ca.pem"), "no PEM")
		}, "hosts.default.tls.ca"},
		"broken configuration": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config.json"), `{`)
		}, "docker's configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			c.prepare(t, cleanEnvironment(t))
			p, err := New(Config{})
			got := ""
			if err != nil {
				got = err.Error()
			} else if hosts := p.Hosts(); len(hosts) == 1 && hosts[0].Name == DefaultHost {
				got = hosts[0].Endpoint
			}
			if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestRegistryAuth(t *testing.T) {
	dir := cleanEnvironment(t)
	basic := base64.StdEncoding.EncodeToString([]byte("fromfile:pw"))
	write(t, filepath.Join(dir, "config.json"), `{"auths":{"quay.io":{"auth":"`+basic+`"},"https://index.docker.io/v1/":{"auth":"`+basic+`"}},"credHelpers":{"broken.example":"not-installed"}}`)
	p, err := New(Config{Registries: map[string]RegistryAuth{
		"ghcr.io":         {Username: "ci", Password: "token"},
		"index.docker.io": {Username: "hub", Password: "token"},
		"id.example:5000": {IdentityToken: "idt"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for image, want := range map[string]registry.AuthConfig{
		"ghcr.io/a/b:1":     {Username: "ci", Password: "token", ServerAddress: "ghcr.io"},
		"mysql:8.4":         {Username: "hub", Password: "token", ServerAddress: "https://index.docker.io/v1/"},
		"id.example:5000/x": {IdentityToken: "idt", ServerAddress: "id.example:5000"},
		"quay.io/a/b":       {Username: "fromfile", Password: "pw", ServerAddress: "quay.io"},
		"other.example/a":   {},
	} {
		encoded, err := p.RegistryAuth(image)
		if err != nil {
			t.Errorf("%s: %v", image, err)
			continue
		}
		var got registry.AuthConfig
		if encoded != "" {
			text, err := base64.URLEncoding.DecodeString(encoded)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", image, got, want)
		}
	}
	if _, err := p.RegistryAuth("broken.example/a"); err == nil || !strings.Contains(err.Error(), "broken.example") || !strings.Contains(err.Error(), "registries") {
		t.Errorf("a credential helper that is missing: %v", err)
	}
}
