// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"slices"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// networks attaches a service to its networks, by their full names; to the
// default one when the file names none.
func (b *builder) networks(c types.ServiceConfig) map[string][]string {
	wanted := c.Networks
	if len(wanted) == 0 {
		wanted = map[string]*types.ServiceNetworkConfig{"default": nil}
	}
	attached := map[string][]string{}
	for _, name := range sortedKeys(wanted) {
		n, declared := b.project.Networks[name]
		if !declared && name != "default" {
			b.refuse("services."+c.Name+".networks."+name, "there is no such network; declare it under the top-level `networks`.%s", suggest(name, b.project.NetworkNames()))
			continue
		}
		if n.Driver != "" && n.Driver != "bridge" {
			b.refuse("networks."+name+".driver", "%q is not supported: the engine chooses the driver; remove it", n.Driver)
		}
		full := stack.NetworkName(b.spec.Name, name)
		b.stack.Networks[full] = stack.Network{Name: full, Internal: n.Internal, Labels: n.Labels}

		aliases := []string{}
		if wanted[name].ServiceNameAliasEnabled() {
			aliases = append(aliases, c.Name)
		}
		if wanted[name] != nil {
			aliases = append(aliases, wanted[name].Aliases...)
		}
		slices.Sort(aliases)
		attached[full] = slices.Compact(aliases)
	}
	return attached
}
