// SPDX-License-Identifier: MPL-2.0

package ingress

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func to(service, host, path string, port int, maxBody int64) Route {
	return Route{Route: stack.Route{Host: host, Path: path, Port: port, MaxBody: maxBody}, Service: service}
}

func TestCaddyGolden(t *testing.T) {
	for _, tt := range []struct {
		name   string
		routes []Route
	}{
		{"none", nil},
		{"portal", []Route{
			to("lms", "learn.acme.com", "/", 8000, 4<<20),
			to("nginx", "learn.acme.com", "/static/", 8080, 0),
			to("nginx", "learn.acme.com", "/static/themes/", 8081, 0),
			to("cms", "studio.learn.acme.com", "/", 8000, 250<<20),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := caddy(tt.routes)
			file := filepath.Join("testdata", tt.name+".golden.json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs; run `go test ./internal/ingress -update` and read the difference", file)
			}
		})
	}
}

func TestOrderOfRoutesDoesNotMatter(t *testing.T) {
	routes := []Route{
		to("a", "x.com", "/", 1, 0), to("b", "x.com", "/static/", 2, 0), to("c", "y.com", "/", 3, 0), to("d", "x.com", "/assets/", 4, 0),
	}
	want := caddy(slices.Clone(routes))
	slices.Reverse(routes)
	if !bytes.Equal(want, caddy(routes)) {
		t.Error("the configuration depends on the order of the routes")
	}
}
