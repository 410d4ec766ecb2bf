// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"bytes"
	"regexp"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"
)

// Names that a container's variables may have. Dots and dashes are for
// programs that read their settings so (Elasticsearch).
var environmentRE = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// environment is the service's env_file, with `environment` laid over it.
func (b *builder) environment(c types.ServiceConfig) map[string]string {
	at := "services." + c.Name
	env := map[string]string{}
	for _, file := range c.EnvFiles {
		b.readEnvFile(at+".env_file", file, c, env)
	}
	for _, name := range sortedKeys(c.Environment) {
		value := c.Environment[name]
		if value == nil {
			b.refuse(at+".environment."+name, "it has no value. The environment of the machine that runs Terraform is not read: write the value, or leave it out and set services[%q].environment in the resource", c.Name)
			continue
		}
		env[name] = *value
	}
	for _, name := range sortedKeys(env) {
		if !environmentRE.MatchString(name) {
			b.refuse(at+".environment", "%q is not a name for a variable: use letters, digits and underscores", name)
		}
	}
	return env
}

func (b *builder) readEnvFile(at string, file types.EnvFile, c types.ServiceConfig, env map[string]string) {
	if file.Format != "" && file.Format != "raw" {
		b.refuse(at, "format %q is not known", file.Format)
		return
	}
	if file.Format == "raw" {
		b.refuse(at, "the format raw is not supported: quote the values in single quotes instead")
		return
	}
	if !bool(file.Required) {
		if clean, err := b.folder.local(file.Path); err == nil && !b.folder.exists(clean) {
			return
		}
	}
	content, err := b.folder.read(file.Path)
	if err != nil {
		b.refuse(at, "%s", err)
		return
	}
	values, err := dotenv.ParseWithLookup(bytes.NewReader(content), func(name string) (string, bool) {
		if v, ok := b.variables[name]; ok {
			return v, true
		}
		if v, ok := env[name]; ok {
			return v, true
		}
		if v, ok := c.Environment[name]; ok && v != nil {
			return *v, true
		}
		return "", false
	})
	if err != nil {
		b.refuse(at, "%s: %s", file.Path, err)
		return
	}
	for name, value := range values {
		env[name] = value
	}
}
