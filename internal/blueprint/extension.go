// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// extensionKey is the Compose extension that says what Compose cannot.
const extensionKey = "x-portal"

// serviceExtension is x-portal of a service.
type serviceExtension struct {
	role        string
	task        *stack.Task
	restartOn   []string
	maxReplicas int // zero: no bound
	routes      []stack.Route
	reload      []string // nil: the default of the load balancer's format
	lease       string   // the volume that the service has for itself, empty: none
}

// volumeExtension is x-portal of a volume.
type volumeExtension struct {
	// directory relative to the portal's own: data/<volume>, overrides, backups.
	directory string
	owner     *owner // nil: the user of the service that mounts it
	mode      uint32
}

// configExtension is x-portal of a config.
type configExtension struct {
	template bool
	// ingress is the format of the load balancer's configuration, empty for any
	// other file.
	ingress string
}

// secretExtension is x-portal of a secret.
type secretExtension struct {
	template bool
	generate bool
	length   int
	// given is the key of a secret that the user gave, empty for others.
	given string
}

// Modes of directories and files where the blueprint says nothing.
const (
	defaultDirectoryMode = 0o750
	defaultConfigMode    = 0o444
	defaultSecretMode    = 0o400
)

// readExtensions reads x-portal of everything that is in use.
func (b *builder) readExtensions() {
	b.extensions = map[string]serviceExtension{}
	b.volumes = map[string]volumeExtension{}
	b.configs = map[string]configExtension{}
	b.secrets = map[string]secretExtension{}
	b.secretReaders = map[string]bool{}
	for _, name := range sortedKeys(b.project.Services) {
		b.extensions[name] = b.serviceExtension(name, b.project.Services[name].Extensions)
	}
	for _, name := range sortedKeys(b.project.Volumes) {
		b.volumes[name] = b.volumeExtension(name, b.project.Volumes[name].Extensions)
	}
	for _, name := range sortedKeys(b.project.Configs) {
		x := b.fields("configs."+name, b.project.Configs[name].Extensions)
		kind := x.oneOf("ingress", "", ingress.Caddy)
		b.configs[name] = configExtension{template: x.boolean("template"), ingress: kind}
		x.end()
		if b.project.Configs[name].Content == generatedMark && kind == "" {
			b.refuse("configs."+name, "it has no content; give `file`, `content`, or `x-portal: {ingress: caddy}`")
		}
	}
	for _, name := range sortedKeys(b.project.Secrets) {
		x := b.fields("secrets."+name, b.project.Secrets[name].Extensions)
		s := secretExtension{template: x.boolean("template"), generate: x.boolean("generate"), length: x.integer("length")}
		s.given = x.oneOf("given", append([]string{""}, givenKeys()...)...)
		x.end()
		b.secrets[name] = s
		generated := b.project.Secrets[name].Driver == generatedMark
		switch {
		case s.given != "" && (!generated || s.generate || s.template):
			b.refuse("secrets."+name, "a secret is given, generated or a file, and only one of them")
		case s.generate && !generated:
			b.refuse("secrets."+name, "a secret is generated or comes from a file, not both")
		case generated && !s.generate && s.given == "":
			b.refuse("secrets."+name, "it has no content; give `file`, `x-portal: {generate: true}`, or `x-portal: {given: …}`")
		case s.length != 0 && (!s.generate || s.length < 16 || s.length > 256):
			b.refuse("secrets."+name+".x-portal.length", "the length of a generated secret is between 16 and 256 characters")
		}
	}
}

func (b *builder) serviceExtension(name string, extensions types.Extensions) serviceExtension {
	x := b.fields("services."+name, extensions)
	e := serviceExtension{role: x.text("role"), maxReplicas: x.integer("max_replicas"), lease: x.text("lease")}
	if when := x.oneOf("task", "", string(stack.Deploy), string(stack.Manual), string(stack.Scheduled)); when != "" {
		e.task = &stack.Task{When: stack.TaskWhen(when), Timeout: x.duration("timeout")}
	} else if x.has("timeout") {
		x.wrong("timeout", "only a task has one; say when it runs with `task: deploy`, manual or scheduled")
	}
	for _, v := range x.list("restart_on") {
		if v != "overrides" {
			x.wrong("restart_on", fmt.Sprintf("%v is not known; only \"overrides\" is", v))
			continue
		}
		e.restartOn = append(e.restartOn, "overrides")
	}
	for i, v := range x.list("routes") {
		at := fmt.Sprintf("services.%s.x-portal.routes[%d]", name, i)
		values, ok := v.(map[string]any)
		if !ok {
			b.refuse(at, "a route has the keys host, path, port, max_body and health")
			continue
		}
		r := &fields{b: b, at: at, values: values, read: map[string]bool{}}
		e.routes = append(e.routes, stack.Route{Host: r.text("host"), Path: r.text("path"), Port: r.integer("port"), MaxBody: r.bytes("max_body"), Health: r.text("health")})
		r.end()
	}
	for _, v := range x.list("reload") {
		word, ok := v.(string)
		if !ok {
			x.wrong("reload", fmt.Sprintf("write %v as a text, in quotes", v))
			continue
		}
		e.reload = append(e.reload, word)
	}
	x.end()
	return e
}

func (b *builder) volumeExtension(name string, extensions types.Extensions) volumeExtension {
	x := b.fields("volumes."+name, extensions)
	v := volumeExtension{directory: "data/" + name, mode: defaultDirectoryMode}
	if folder := x.oneOf("folder", "", "overrides", "backups"); folder != "" {
		v.directory = folder
	}
	if text := x.text("owner"); text != "" {
		o, ok := parseOwner(text)
		if !ok {
			x.wrong("owner", fmt.Sprintf("%q is not of the form \"uid:gid\", in numbers", text))
		}
		v.owner = &o
	}
	if text := x.text("mode"); text != "" {
		mode, err := strconv.ParseUint(text, 8, 32)
		if err != nil || mode > 0o1777 {
			x.wrong("mode", fmt.Sprintf("%q is not a mode in octal such as \"0750\"", text))
		}
		v.mode = uint32(mode)
	}
	x.end()
	return v
}

// owner is a user and a group in numbers.
type owner struct{ uid, gid int }

var ownerRE = regexp.MustCompile(`^(\d{1,9})(?::(\d{1,9}))?$`)

// parseOwner reads "uid" or "uid:gid"; without a group it is that of root, as
// Docker has it.
func parseOwner(text string) (owner, bool) {
	m := ownerRE.FindStringSubmatch(text)
	if m == nil {
		return owner{}, false
	}
	// Nine digits fit.
	uid, _ := strconv.Atoi(m[1])
	gid, _ := strconv.Atoi(m[2])
	return owner{uid, gid}, true
}

// fields reads the values of one x-portal and notes what is wrong with them.
type fields struct {
	b      *builder
	at     string
	values map[string]any
	read   map[string]bool
}

func (b *builder) fields(at string, extensions types.Extensions) *fields {
	f := &fields{b: b, at: at + "." + extensionKey, read: map[string]bool{}}
	value, ok := extensions[extensionKey]
	if !ok || value == nil {
		return f
	}
	if f.values, ok = value.(map[string]any); !ok {
		b.refuse(f.at, "it must be a mapping, not %T", value)
	}
	return f
}

func (f *fields) wrong(key, what string) { f.b.refuse(f.at+"."+key, "%s", what) }

// end notes the keys that nobody has read.
func (f *fields) end() {
	for _, key := range sortedKeys(f.values) {
		if !f.read[key] {
			f.wrong(key, "there is no such key."+suggest(key, sortedKeys(f.read)))
		}
	}
}

func (f *fields) has(key string) bool {
	f.read[key] = true
	return f.values[key] != nil
}

func (f *fields) text(key string) string {
	if !f.has(key) {
		return ""
	}
	s, ok := f.values[key].(string)
	if !ok {
		f.wrong(key, fmt.Sprintf("write %v as a text, in quotes", f.values[key]))
	}
	return s
}

func (f *fields) oneOf(key string, values ...string) string {
	s := f.text(key)
	for _, v := range values {
		if s == v {
			return s
		}
	}
	f.wrong(key, fmt.Sprintf("%q is not known.%s", s, suggest(s, values[1:])))
	return values[0]
}

func (f *fields) boolean(key string) bool {
	if !f.has(key) {
		return false
	}
	v, ok := f.values[key].(bool)
	if !ok {
		f.wrong(key, "it must be true or false")
	}
	return v
}

func (f *fields) integer(key string) int {
	if !f.has(key) {
		return 0
	}
	// Interpolation leaves texts.
	n, err := strconv.Atoi(fmt.Sprint(f.values[key]))
	if err != nil || n < 0 {
		f.wrong(key, fmt.Sprintf("%v is not a whole number", f.values[key]))
		return 0
	}
	return n
}

func (f *fields) duration(key string) time.Duration {
	if !f.has(key) {
		return 0
	}
	d, err := time.ParseDuration(fmt.Sprint(f.values[key]))
	if err != nil || d < 0 {
		f.wrong(key, fmt.Sprintf("%v is not a duration such as \"30m\"", f.values[key]))
	}
	return d
}

func (f *fields) bytes(key string) int64 {
	if !f.has(key) {
		return 0
	}
	var size types.UnitBytes
	if err := size.DecodeMapstructure(f.values[key]); err != nil || size < 0 {
		f.wrong(key, fmt.Sprintf("%v is not a size such as \"4m\"", f.values[key]))
	}
	return int64(size)
}

func (f *fields) list(key string) []any {
	if !f.has(key) {
		return nil
	}
	v, ok := f.values[key].([]any)
	if !ok {
		f.wrong(key, "it must be a list")
	}
	return v
}
