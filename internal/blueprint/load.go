// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
)

// load reads the Compose file into b.project, with the profiles of the Spec's
// add-ons turned on.
func (b *builder) load(ctx context.Context) {
	text, err := b.folder.read(b.folder.compose)
	if err != nil {
		b.problem("blueprint", "The blueprint cannot be read", "%s: %s", b.folder.display(), err)
		return
	}
	document, err := parse(text)
	if err != nil {
		b.problem("blueprint", "The blueprint cannot be read", "%s: %s", b.folder.display(), err)
		return
	}
	b.checkDocument(document)
	if len(b.problems) > 0 {
		return
	}

	b.variables = values(b.spec, b.stack.Directory)
	m, err := b.folder.model(ctx, text, document, b.variables)
	// A value without its variable can be wrong in many ways: this is the cause.
	for _, name := range sortedKeys(m.variables.undefined) {
		b.refuse("${"+name+"}", "there is no such variable. A blueprint gets %s, and never the environment of the machine that runs Terraform. Write ${%s:-default} to have a default, or put the value where it is used.%s",
			m.variables.names(), name, suggest(name, sortedKeys(m.variables.marks)))
	}
	if len(b.problems) > 0 {
		return
	}
	if err == nil {
		b.project, err = m.project(b.spec, b.variables)
	}
	if err != nil {
		b.refuse("The file", "%s", err)
		return
	}
	if len(b.project.Services) == 0 {
		b.refuse("services", "no service is left: the file has none, or all of them belong to add-ons")
	}
	b.refuseUnsupported(m.unsupported)
	b.checkPortUsed("http_port", b.spec.HTTPPort, portVariable, ingress.HTTPPort, m.variables)
	b.checkPortUsed("https_port", b.spec.HTTPSPort, httpsPortVariable, ingress.HTTPSPort, m.variables)
}

// checkPortUsed refuses a port of the host that the Compose file does not publish.
func (b *builder) checkPortUsed(attribute string, port int, variable string, target int, v *variables) {
	if port != 0 && !v.used[variable] {
		b.problem(attribute, "Nothing uses this port", "The blueprint %s publishes no port as ${%s}. Leave %s out, or publish the port there: ports: [\"${%s}:%d\"].", b.folder.display(), variable, attribute, variable, target)
	}
}

// outside is asked before a file of `extends` is loaded. It claims those that
// must not be, and fails.
type outside struct{ dir string }

func (o outside) Accept(name string) bool { return o.check(name) != nil }

func (o outside) Load(_ context.Context, name string) (string, error) { return "", o.check(name) }

func (o outside) Dir(name string) string { return filepath.Dir(name) }

func (o outside) check(name string) error {
	if o.dir == "" || !filepath.IsLocal(name) {
		return fmt.Errorf("extends: %s lies outside the blueprint's folder: copy the file into the folder", name)
	}
	resolved, err := filepath.EvalSymlinks(filepath.Join(o.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the loader says so
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(resolved)
	if err != nil {
		return err
	}
	switch {
	case resolved != filepath.Join(o.dir, name) && !sameFile(filepath.Join(o.dir, name), resolved, o.dir):
		return fmt.Errorf("extends: %s is a symbolic link: put the file itself into the blueprint's folder", name)
	case !info.Mode().IsRegular():
		return fmt.Errorf("extends: %s is not a regular file", name)
	case info.Size() > maxFile:
		return fmt.Errorf("extends: %s is larger than %d MiB", name, maxFile>>20)
	}
	return nil
}

// sameFile tells whether resolved differs from name only by links above dir.
func sameFile(name, resolved, dir string) bool {
	base, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(dir, name)
	return err == nil && filepath.Join(base, rel) == resolved
}

// allServices lists the services of the file, those of other profiles too.
func (b *builder) allServices() []string {
	names := slices.Concat(b.project.ServiceNames(), b.project.DisabledServiceNames())
	slices.Sort(names)
	return names
}
