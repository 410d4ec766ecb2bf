// SPDX-License-Identifier: MPL-2.0

// Package blueprint turns a Compose file and a portal's Spec into the portal's
// Stack, in which nothing is left to look up.
//
// It reads the blueprint's own files and nothing else: no network, no clock,
// no environment of the process. The same Spec and files give the same Stack
// in `terraform plan` and in `terraform apply`, on any machine.
package blueprint

import (
	"context"
	"path"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Options is what Build needs to know beside the Spec.
type Options struct {
	// StoragePath is the shared drive's directory, an absolute path that is
	// the same on all hosts.
	StoragePath string
}

// Build resolves spec against its blueprint. An error is a Problems value that
// holds everything found wrong, not only the first thing.
func Build(ctx context.Context, spec stack.Spec, opts Options) (*stack.Stack, error) {
	b := &builder{spec: spec}
	b.checkSpec(opts)
	if len(b.problems) > 0 {
		return nil, b.problems
	}

	folder, err := openFolder(spec.Blueprint)
	if err != nil {
		return nil, Problems{{Attribute: "blueprint", Summary: "The blueprint cannot be read", Detail: err.Error()}}
	}
	defer folder.Close()
	b.folder = folder
	b.stack = &stack.Stack{
		Portal:      spec.Name,
		Directory:   path.Join(opts.StoragePath, spec.Name),
		Constraints: spec.Constraints,
		Services:    map[string]*stack.Service{},
		Networks:    map[string]stack.Network{},
		Secrets:     map[string]stack.Secret{},
		Directories: map[string]stack.Directory{},
		Files:       map[string]stack.File{},
		Given:       map[string]stack.Given{},
	}

	// Each step needs what the step before it found; within a step everything
	// wrong is collected.
	for _, step := range []func(*builder, context.Context){
		(*builder).load, (*builder).checkNames, (*builder).translate, (*builder).resolve,
	} {
		step(b, ctx)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(b.problems) > 0 {
			return nil, b.problems.sorted()
		}
	}
	return b.stack, nil
}

// builder holds what the steps of one Build share.
type builder struct {
	collector
	spec   stack.Spec
	folder *folder

	// variables are the values that the Compose file was filled with.
	variables map[string]string
	project   *types.Project
	stack     *stack.Stack

	// Set by load and translate, by name.
	extensions map[string]serviceExtension
	configs    map[string]configExtension
	secrets    map[string]secretExtension
	volumes    map[string]volumeExtension
	// secretReaders are the generated secrets that a service mounts.
	secretReaders map[string]bool
	// readsMail tells that a template names what the Spec says of mail.
	readsMail bool
}

// translate turns each active service of the Compose file into one of the Stack.
func (b *builder) translate(context.Context) {
	b.readExtensions()
	for _, name := range sortedKeys(b.project.Services) {
		b.translateService(b.project.Services[name])
	}
}

// resolve does what needs all services at once.
func (b *builder) resolve(context.Context) {
	b.resolveDependencies()
	b.resolveImages()
	b.resolveRoutes()
	b.resolveIngress()
	b.checkGiven()
	b.checkLeases()
	b.checkContainerNames()
}

// directory is the host's path of something in the portal's directory.
func (b *builder) directory(elem ...string) string {
	return path.Join(append([]string{b.stack.Directory}, elem...)...)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
