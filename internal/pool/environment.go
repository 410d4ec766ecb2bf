// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/docker/cli/cli/config"
	"github.com/opencontainers/go-digest"
)

// environmentHost is the host that the docker command would use: DOCKER_HOST
// with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, otherwise the current docker
// context, otherwise the local socket.
func environmentHost() (HostConfig, error) {
	if endpoint := os.Getenv("DOCKER_HOST"); endpoint != "" {
		return envVarHost(endpoint)
	}
	name, err := currentContext()
	if err != nil {
		return HostConfig{}, err
	}
	if name == "" || name == "default" {
		return HostConfig{Endpoint: localEndpoint}, nil
	}
	h, err := contextHost(name)
	if err != nil {
		return HostConfig{}, fmt.Errorf("docker context %q: %w; give the provider `hosts`, or set DOCKER_HOST or DOCKER_CONTEXT", name, err)
	}
	return h, nil
}

// envVarHost reads the certificates that go with DOCKER_HOST, if it uses TLS.
func envVarHost(endpoint string) (HostConfig, error) {
	h := HostConfig{Endpoint: endpoint}
	if os.Getenv("DOCKER_TLS_VERIFY") == "" {
		return h, nil
	}
	dir := os.Getenv("DOCKER_CERT_PATH")
	if dir == "" {
		dir = config.Dir()
	}
	var err error
	if h.TLS, err = readTLS(dir); err != nil {
		return HostConfig{}, fmt.Errorf("DOCKER_TLS_VERIFY is set, but the certificates cannot be read: %w; set DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem", err)
	}
	return h, nil
}

// currentContext names the docker context in use, empty when none was chosen.
func currentContext() (string, error) {
	if name := os.Getenv("DOCKER_CONTEXT"); name != "" {
		return name, nil
	}
	f, err := config.Load(config.Dir())
	if err != nil {
		return "", fmt.Errorf("docker's configuration: %w", err)
	}
	return f.CurrentContext, nil
}

// contextHost reads a docker context from the folder where the docker command
// keeps it: one named by the digest of the context's name.
func contextHost(name string) (HostConfig, error) {
	id := digest.FromString(name).Encoded()
	root := filepath.Join(config.Dir(), "contexts")
	text, err := os.ReadFile(filepath.Join(root, "meta", id, "meta.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return HostConfig{}, errors.New("there is no such context")
	}
	if err != nil {
		return HostConfig{}, err
	}
	var meta struct {
		Endpoints map[string]struct {
			Host          string
			SkipTLSVerify bool
		}
	}
	if err := json.Unmarshal(text, &meta); err != nil {
		return HostConfig{}, fmt.Errorf("its meta.json: %w", err)
	}
	endpoint, ok := meta.Endpoints["docker"]
	switch {
	case !ok || endpoint.Host == "":
		return HostConfig{}, errors.New("it has no Docker endpoint")
	case endpoint.SkipTLSVerify:
		return HostConfig{}, errors.New("it skips the verification of TLS certificates, which is refused")
	}
	h := HostConfig{Endpoint: endpoint.Host}
	dir := filepath.Join(root, "tls", id, "docker")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if h.TLS, err = readTLS(dir); err != nil {
		return HostConfig{}, err
	}
	return h, nil
}

// readTLS reads the PEM files that Docker keeps in dir. A file that is not
// there is left empty, but at least one must be.
func readTLS(dir string) (*TLS, error) {
	t := &TLS{}
	found := false
	for name, to := range map[string]*string{"ca.pem": &t.CA, "cert.pem": &t.Cert, "key.pem": &t.Key} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		*to, found = string(text), true
	}
	if !found {
		return nil, fmt.Errorf("%s has none of ca.pem, cert.pem, key.pem", dir)
	}
	return t, nil
}
