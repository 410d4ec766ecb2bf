// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/docker/api/types/registry"
)

// RegistryAuth are credentials for one registry: a user name and a password
// (or access token), or an identity token.
type RegistryAuth struct {
	Username, Password string
	IdentityToken      string
}

const (
	dockerHub = "docker.io"
	// dockerHubKey is what Docker's own configuration calls the Docker Hub.
	dockerHubKey = "https://index.docker.io/v1/"
)

// registries finds credentials. It never puts one into an error.
type registries struct {
	given map[string]RegistryAuth
	file  func() (*configfile.ConfigFile, error)
}

func newRegistries(given map[string]RegistryAuth) (registries, error) {
	r := registries{
		given: make(map[string]RegistryAuth, len(given)),
		file: sync.OnceValues(func() (*configfile.ConfigFile, error) {
			return config.Load(config.Dir())
		}),
	}
	var problems []error
	for host, auth := range given {
		if err := checkRegistry(host, auth); err != nil {
			problems = append(problems, err)
			continue
		}
		r.given[canonicalRegistry(host)] = auth
	}
	sort.Slice(problems, func(i, j int) bool { return problems[i].Error() < problems[j].Error() })
	return r, errors.Join(problems...)
}

func checkRegistry(host string, auth RegistryAuth) error {
	attr := fmt.Sprintf("registries[%q]", host)
	switch {
	case host == "" || strings.Contains(host, "/"):
		return fmt.Errorf("%s: give the registry's host alone, such as \"ghcr.io\" or \"registry.example.com:5000\"", attr)
	case auth.IdentityToken != "" && auth.Password != "":
		return fmt.Errorf("%s: give a password or an identity token, not both", attr)
	case auth.IdentityToken == "" && auth.Username == "":
		return fmt.Errorf("%s.username: missing", attr)
	case auth.IdentityToken == "" && auth.Password == "":
		return fmt.Errorf("%s.password: missing", attr)
	}
	return nil
}

func canonicalRegistry(host string) string {
	switch host {
	case "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com":
		return dockerHub
	}
	return host
}

// RegistryAuth returns the credentials to pull an image with, encoded for the
// Engine API; empty when there are none.
func (p *Pool) RegistryAuth(image string) (string, error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", fmt.Errorf("image %q: %w", image, err)
	}
	host := reference.Domain(named)
	auth, err := p.registries.lookup(host)
	if err != nil || auth == (registry.AuthConfig{}) {
		return "", err
	}
	return registry.EncodeAuthConfig(auth)
}

// lookup finds the credentials of a registry, zero when there are none.
func (r registries) lookup(host string) (registry.AuthConfig, error) {
	key := host
	if host == dockerHub {
		key = dockerHubKey
	}
	if a, ok := r.given[host]; ok {
		return registry.AuthConfig{Username: a.Username, Password: a.Password, IdentityToken: a.IdentityToken, ServerAddress: key}, nil
	}
	file, err := r.file()
	if err != nil {
		return registry.AuthConfig{}, fmt.Errorf("docker's configuration: %w", err)
	}
	a, err := file.GetAuthConfig(key)
	if err != nil {
		return registry.AuthConfig{}, fmt.Errorf("credentials for %s from docker's configuration %s: %w; mend its credential helper, or give the provider `registries`", host, file.Filename, err)
	}
	if a.Username == "" && a.Password == "" && a.IdentityToken == "" && a.RegistryToken == "" && a.Auth == "" {
		return registry.AuthConfig{}, nil
	}
	return registry.AuthConfig{
		Username: a.Username, Password: a.Password, Auth: a.Auth, ServerAddress: a.ServerAddress,
		IdentityToken: a.IdentityToken, RegistryToken: a.RegistryToken,
	}, nil
}
