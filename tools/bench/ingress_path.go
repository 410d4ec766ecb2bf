// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/privateportals/terraform-provider-portal/tools/bench/load"
)

//go:embed blueprint/compose.yaml blueprint/nginx.conf
var ingressBlueprint embed.FS

// productPath is what the product makes: a gateway, a portal's load balancer
// behind it, and behind that the service that answers. There are two of each,
// without TLS and with it.
type productPath struct {
	workload
	commander
	address          string // of this machine
	http, https      int    // ports of the gateway without TLS, and of that with TLS
	httpOfHTTPS      int    // port of the gateway with TLS that sends visitors on to https
	directory        string // of the configuration
	blueprint, files string // directories of the blueprint, and of what is asked for in it
}

const entrances = `
locals {
  images = %[1]s
}

resource "portal_gateway" "plain" {
  name       = "%[2]s-plain-front"
  image      = local.images["load-balancer"]
  http_port  = %[3]d
  on_destroy = "delete"
}

resource "portal_gateway" "tls" {
  name       = "%[2]s-tls-front"
  image      = local.images["load-balancer"]
  http_port  = %[4]d
  https_port = %[5]d
  tls        = { mode = "internal" }
  on_destroy = "delete"
}

resource "portal" "this" {
  for_each   = { plain = portal_gateway.plain.name, tls = portal_gateway.tls.name }
  name       = "%[2]s-${each.key}"
  domain     = "${each.key}.example.com"
  blueprint  = %[6]q
  images     = local.images
  gateway    = each.value
  on_destroy = "delete"
}
`

// newProductPath lays out the configuration, and the blueprint with the files
// that are asked for.
func newProductPath(t *terraform, images map[string]string, address string) (*productPath, error) {
	p := &productPath{
		workload:  t.workload,
		commander: commander{socket: t.socket, environment: t.commander.environment},
		address:   address,
		directory: filepath.Join(t.dir, "ingress"),
		blueprint: filepath.Join(t.dir, "ingress-blueprint"),
	}
	p.files = filepath.Join(p.blueprint, "www")
	for _, port := range []*int{&p.http, &p.https, &p.httpOfHTTPS} {
		var err error
		if *port, err = freePort(); err != nil {
			return nil, err
		}
	}
	list, err := json.Marshal(images)
	if err != nil {
		return nil, err
	}
	source, err := fs.Sub(ingressBlueprint, "blueprint")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(p.blueprint, source); err != nil {
		return nil, err
	}
	main := fmt.Sprintf(configuration, t.storage()) +
		fmt.Sprintf(entrances, list, p.run, p.http, p.httpOfHTTPS, p.https, p.blueprint)
	return p, writeFiles(map[string][]byte{
		filepath.Join(p.directory, "main.tf"): []byte(main),
		filepath.Join(p.files, smallFile):     answer(smallSize),
		filepath.Join(p.files, largeFile):     answer(largeSize),
	})
}

// answer is a text of this many bytes.
func answer(size int) []byte {
	line := []byte("An answer that is always the same, and all of it text.\n")
	return bytes.Repeat(line, size/len(line)+1)[:size]
}

func (p *productPath) apply(ctx context.Context) error {
	return p.exec(ctx, []string{"terraform", "-chdir=" + p.directory}, "apply", "-auto-approve", "-no-color")
}

func (p *productPath) destroy(ctx context.Context) error {
	return p.exec(ctx, []string{"terraform", "-chdir=" + p.directory}, "destroy", "-auto-approve", "-no-color")
}

func (p *productPath) servers() []*server {
	at := func(port int) string { return net.JoinHostPort(p.address, strconv.Itoa(port)) }
	return []*server{
		{kind: wholePath, target: load.Target{Address: at(p.http), Host: "plain.example.com"}},
		{kind: wholePath, target: load.Target{Address: at(p.https), Host: "tls.example.com", TLS: true}},
	}
}
