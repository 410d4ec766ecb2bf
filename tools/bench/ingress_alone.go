// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/privateportals/terraform-provider-portal/tools/bench/load"
)

// aloneHost is the hostname that the servers alone are asked for.
const aloneHost = "alone.example.com"

// Ports of the servers in their containers.
const (
	plainPort      = 8080
	plainProxyPort = 8081
	tlsPort        = 8443
	tlsProxyPort   = 8444
)

// alone are nginx and Caddy with nothing before them, a container each. They
// end with the run, by its label.
type alone struct {
	workload
	docker  *docker
	images  map[string]string // by role
	address string            // of this machine
	path    *productPath      // whose nginx is set up alike, and has the same files
}

// start makes the containers, and returns the servers in them.
func (a *alone) start(ctx context.Context) ([]*server, error) {
	network := map[string]any{
		"Name": a.name(""), "Driver": "bridge", "CheckDuplicate": true,
		"IPAM":   map[string]any{"Config": []map[string]string{{"Subnet": a.subnets.next()}}},
		"Labels": map[string]string{label: a.run},
	}
	if err := a.docker.call(ctx, http.MethodPost, "/networks/create", network, nil); err != nil {
		return nil, err
	}
	folder := filepath.Join(a.dir, "alone")
	if err := writeAlone(folder, a.name("nginx")); err != nil {
		return nil, err
	}
	nginx, err := a.container(ctx, "nginx", []string{"nginx", "-c", "/portal/config/nginx.conf", "-g", "daemon off;"},
		map[string]string{
			"/portal/config/nginx.conf": filepath.Join(a.path.blueprint, "nginx.conf"),
			"/srv/www":                  a.path.files,
			"/portal/tls":               filepath.Join(folder, "tls"),
		},
		map[int]kind{plainPort: nginxAlone, tlsPort: nginxAlone})
	if err != nil {
		return nil, err
	}
	caddy, err := a.container(ctx, "load-balancer", []string{"caddy", "run", "--config", "/portal/caddy.json"},
		map[string]string{"/portal/caddy.json": filepath.Join(folder, "caddy.json")},
		map[int]kind{plainPort: caddyAlone, plainProxyPort: caddyProxy, tlsPort: caddyAlone, tlsProxyPort: caddyProxy})
	if err != nil {
		return nil, err
	}
	return append(nginx, caddy...), nil
}

// name of the container with the image of a role; without one, of the network.
func (a *alone) name(role string) string { return strings.TrimSuffix(a.run+"-alone-"+role, "-") }

// container starts the image of a role with these mounts, target by source, and
// publishes the ports of its servers.
func (a *alone) container(ctx context.Context, role string, command []string, mounts map[string]string, ports map[int]kind) ([]*server, error) {
	var binds []map[string]any
	for target, source := range mounts {
		binds = append(binds, map[string]any{"Type": "bind", "Source": source, "Target": target, "ReadOnly": true})
	}
	var servers []*server
	exposed, published := map[string]any{}, map[string]any{}
	for port, what := range ports {
		free, err := freePort()
		if err != nil {
			return nil, err
		}
		inside := fmt.Sprintf("%d/tcp", port)
		exposed[inside] = struct{}{}
		published[inside] = []map[string]string{{"HostPort": strconv.Itoa(free)}}
		servers = append(servers, &server{kind: what, target: load.Target{
			Address: net.JoinHostPort(a.address, strconv.Itoa(free)),
			Host:    aloneHost, TLS: port == tlsPort || port == tlsProxyPort,
		}})
	}
	body := map[string]any{
		"Image": a.images[role], "Cmd": command,
		"Labels": map[string]string{label: a.run}, "ExposedPorts": exposed,
		"HostConfig": map[string]any{"Mounts": binds, "NetworkMode": a.name(""), "PortBindings": published},
	}
	name := a.name(role)
	if err := a.docker.call(ctx, http.MethodPost, "/containers/create?name="+name, body, nil); err != nil {
		return nil, err
	}
	return servers, a.docker.call(ctx, http.MethodPost, "/containers/"+name+"/start", nil, nil)
}
