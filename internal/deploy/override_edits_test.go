// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

// TestEditsOfTwoWritersAreAllThere lets Terraform and another program, which
// keeps to the protocol of package storage, edit one file at the same time, a
// hundred times each.
func TestEditsOfTwoWritersAreAllThere(t *testing.T) {
	const edits = 100
	b := overrideBed(t)
	var all sync.WaitGroup
	all.Go(func() {
		for i := range edits {
			if err := editAsGlados(b, fmt.Sprintf("GLADOS_%d: %d\n", i, i)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for worker := range 10 { // Terraform's default parallelism
		all.Go(func() {
			for i := worker; i < edits; i += 10 {
				_, err := b.ApplyOverride(t.Context(), Override{Portal: "acme", Values: map[string]any{
					"TERRAFORM": map[string]any{fmt.Sprint("N", i): overrides.Number(fmt.Sprint(i))},
				}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	doc, err := overrides.Parse([]byte(b.read(overridesFile)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range edits {
		want := overrides.Number(fmt.Sprint(i))
		for _, path := range []overrides.Path{{fmt.Sprint("GLADOS_", i)}, {"TERRAFORM", fmt.Sprint("N", i)}} {
			if got, _ := doc.Lookup(path); got != want {
				t.Errorf("%s is %v: the edit was lost", path, got)
			}
		}
	}
}

// editAsGlados adds a line to the file as another program does.
func editAsGlados(b *bed, line string) error {
	dir := filepath.Join(b.drive, filepath.Dir(overridesFile))
	lock, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	path := filepath.Join(b.drive, overridesFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text = bytes.Replace(text, []byte("{}\n"), nil, 1) // of the first file
	temp := filepath.Join(dir, "glados.new")
	if err := os.WriteFile(temp, append(text, line...), 0o660); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
