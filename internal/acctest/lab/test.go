// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"context"
	"os"
	"testing"
	"time"
)

// Start makes a lab for one test, which is taken down with it. When the test
// fails it shows what the engines wrote last. A test that is killed leaves its
// lab to the next that starts one.
func Start(t testing.TB, o Options) *Lab {
	t.Helper()
	dir, err := os.MkdirTemp("", "lab-") //nolint:usetesting // a unix socket's path may have 108 characters only
	if err != nil {
		t.Fatal(err)
	}
	o.Dir, o.owned = dir, true
	l, err := Up(t.Context(), o)
	if err != nil {
		os.Remove(dir) // what is in it was removed, unless the error says so
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, h := range l.Hosts {
				t.Logf("dockerd of %s:\n%s", h.Name, h.engine.tail())
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := l.Down(ctx); err != nil {
			t.Error(err)
		}
	})
	return l
}
