// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// docker speaks the Engine API with nothing in between: what it costs is what
// the calls themselves cost.
type docker struct {
	http    *http.Client
	version string // API version, "v1.41"
}

// socketPath is the socket of the engine that is measured.
func socketPath() (string, error) {
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		return "/var/run/docker.sock", nil
	}
	path, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		return "", fmt.Errorf("DOCKER_HOST is %s: the benchmark needs an engine on a local socket (unix://…), since it mounts local directories and counts requests on that socket", host)
	}
	return path, nil
}

func connect(ctx context.Context, socket string) (*docker, error) {
	d := (&docker{}).through(socket)
	var info struct {
		APIVersion string `json:"ApiVersion"`
	}
	if err := d.call(ctx, http.MethodGet, "/version", nil, &info); err != nil {
		return nil, err
	}
	d.version = "/v" + info.APIVersion
	return d, nil
}

// through is the same engine by another socket.
func (d *docker) through(socket string) *docker {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "unix", socket)
		},
		MaxIdleConnsPerHost: services,
	}
	return &docker{http: &http.Client{Transport: transport}, version: d.version}
}

// call sends one request with a JSON body and decodes the JSON answer into
// out; either may be nil.
func (d *docker) call(ctx context.Context, method, path string, body, out any) error {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(text)
	}
	return d.send(ctx, method, path, "application/json", reader, out)
}

func (d *docker) send(ctx context.Context, method, path, contentType string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://docker"+d.version+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	res, err := d.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode >= 400 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, bytes.TrimSpace(answer))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// list returns the containers that carry the label of a run.
func (d *docker) list(ctx context.Context, run string) ([]container, error) {
	return d.listBy(ctx, "label", label+"="+run)
}

func (d *docker) listBy(ctx context.Context, filter, value string) ([]container, error) {
	text, err := json.Marshal(map[string][]string{filter: {value}})
	if err != nil {
		return nil, err
	}
	var all []container
	err = d.call(ctx, http.MethodGet, "/containers/json?all=1&filters="+url.QueryEscape(string(text)), nil, &all)
	return all, err
}

// container is what the list call says of a container.
type container struct {
	ID    string `json:"Id"`
	Names []string
}

// sweep removes every container and network of a run, whoever made them, and
// its image. Gateways have no label of the run, so their names tell.
func (d *docker) sweep(ctx context.Context, run, image string) error {
	labelled, err := d.list(ctx, run)
	if err != nil {
		return err
	}
	named, err := d.listBy(ctx, "name", "^/?"+run+"-")
	if err != nil {
		return err
	}
	containers := named
	for _, c := range labelled {
		if !slices.ContainsFunc(named, func(n container) bool { return n.ID == c.ID }) {
			containers = append(containers, c)
		}
	}
	err = inParallel(8, len(containers), func(i int) error {
		return d.call(ctx, http.MethodDelete, "/containers/"+containers[i].ID+"?force=1&v=1", nil, nil)
	})
	var networks []struct {
		ID   string `json:"Id"`
		Name string
	}
	err = errors.Join(err, d.call(ctx, http.MethodGet, "/networks", nil, &networks))
	for _, n := range networks {
		if !strings.HasPrefix(n.Name, run+"-") {
			continue
		}
		stays := d.call(ctx, http.MethodDelete, "/networks/"+n.ID, nil, nil)
		if miscounted(stays) {
			stays = fmt.Errorf("network %s stays: the engine has lost count of what is attached to it; restart the engine, then docker network rm %s", n.Name, n.Name)
		}
		err = errors.Join(err, stays)
	}
	var images []struct {
		RepoTags []string
	}
	err = errors.Join(err, d.call(ctx, http.MethodGet, "/images/json", nil, &images))
	for _, i := range images {
		for _, tag := range i.RepoTags {
			if tag == image {
				err = errors.Join(err, d.call(ctx, http.MethodDelete, "/images/"+image, nil, nil))
			}
		}
	}
	return err
}
