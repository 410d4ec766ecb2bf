// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/schema"
	"github.com/compose-spec/compose-go/v2/tree"
)

// Every attribute of the Compose Specification is translated, harmless, or
// refused with advice: one that a new compose-go brings fails here until
// somebody has decided.
func TestEveryAttributeIsClassified(t *testing.T) {
	known := tree.NewMatcher(supportedPaths()...)
	refusedAsBefore := strings.Fields(`
		services.*.annotations services.*.blkio_config services.*.cpu_count services.*.cpu_percent
		services.*.cpu_period services.*.cpu_quota services.*.cpu_rt_period services.*.cpu_rt_runtime
		services.*.cpu_shares services.*.cpuset services.*.credential_spec
		services.*.deploy.resources.reservations.generic_resources
		services.*.dns_opt services.*.dns_search services.*.isolation services.*.mac_address
		services.*.mem_swappiness services.*.networks.*.driver_opts services.*.networks.*.gw_priority
		services.*.networks.*.interface_name services.*.networks.*.link_local_ips
		services.*.networks.*.mac_address services.*.networks.*.priority
		services.*.oom_score_adj services.*.pull_refresh_after services.*.storage_opt services.*.umask
		services.*.volumes.[].bind.recursive services.*.volumes.[].volume.labels
		networks.*.driver_opts networks.*.enable_ipv4 networks.*.enable_ipv6
		configs.*.labels configs.*.template_driver secrets.*.driver_opts secrets.*.labels secrets.*.template_driver`)
	for _, path := range schema.AttributePaths() {
		parts := path.Parts()
		if _, refused := refusedSections[parts[0]]; refused || known.Matches(path) || known.MayContain(path) {
			continue
		}
		if adviceFor(path) != "remove it" || slices.ContainsFunc(refusedAsBefore, func(p string) bool {
			return path.Matches(tree.Path(p)) || strings.HasPrefix(string(path), p+".")
		}) {
			continue
		}
		t.Errorf("%s is not classified: translate it, or refuse it with advice", path)
	}
}

// What is listed exists in the Compose Specification, so that no entry is
// misspelt or out of date.
func TestListsNameAttributesThatExist(t *testing.T) {
	all := schema.AttributePaths()
	for _, p := range slices.Concat(supported, harmless, sortedKeys(advice)) {
		if !slices.Contains(all, tree.Path(p)) {
			t.Errorf("%s is not an attribute of the Compose Specification", p)
		}
	}
}
