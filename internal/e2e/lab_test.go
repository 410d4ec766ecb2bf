// SPDX-License-Identifier: MPL-2.0

//go:build lab

package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// TestLabProvider uses the provider blocks that `make lab-up` prints: a portal
// is made over ssh on one of the hosts, and is the same over TLS.
func TestLabProvider(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	l := lab.Start(t, lab.Options{Drive: b.Storage})
	if err := l.Load(t.Context(), b.Docker, enginetest.ImageName); err != nil {
		t.Fatal(err)
	}
	by := func(entry func(*lab.Host) string) string {
		return strings.Replace(b.Config(""), b.ProviderConfig(), l.Provider(entry), 1)
	}
	b.tf.Write(t, by((*lab.Host).SSH))
	b.tf.Apply(t)
	homes := 0
	for _, h := range l.Hosts {
		list, err := h.Docker().ContainerList(t.Context(), container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("name", "^/"+b.Name+"-"))})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range list {
			names = append(names, strings.TrimPrefix(c.Names[0], "/"+b.Name+"-"))
		}
		slices.Sort(names)
		if slices.Equal(names, whole) {
			homes++
		} else if len(names) > 0 {
			t.Errorf("host %s has %v", h.Name, names)
		}
	}
	if homes != 1 {
		t.Errorf("the portal is on %d hosts", homes)
	}
	b.tf.Write(t, by((*lab.Host).TLS))
	b.noChange(t)
	b.tf.Destroy(t)
}
