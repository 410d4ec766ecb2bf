// SPDX-License-Identifier: MPL-2.0

package member

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// Problems turns the error of an operation on a member into diagnostics: what
// the blueprint refuses at the attribute that causes it, anything else as the
// failure of what was being done.
func Problems(portal, did string, err error) diag.Diagnostics {
	var found blueprint.Problems
	if !errors.As(err, &found) {
		return diag.Diagnostics{client.Failure(portal, did, err)}
	}
	var diags diag.Diagnostics
	for _, p := range found {
		if p.Attribute == "" {
			diags.AddError(p.Summary, p.Detail)
			continue
		}
		diags.AddAttributeError(attributePath(p.Attribute), p.Summary, p.Detail)
	}
	return diags
}

var (
	// Keys of maps may hold dots themselves.
	volumePattern = regexp.MustCompile(`^volumes\.(.+?)(?:\.(name|read_only))?$`)
	routePattern  = regexp.MustCompile(`^routes\.([0-9]+)(?:\.([a-z_]+))?$`)
)

// renamedAttributes have another name in resources than in a blueprint:
// Terraform keeps depends_on for itself.
var renamedAttributes = map[string]string{
	"depends_on":        "start_after",
	"restart_on":        "restart_on_override",
	"stop_grace_period": "stop_grace",
}

// attributePath is the path of an attribute that the blueprint names with dots:
// "from", "routes.0.host", "volumes./data.name", "environment.LANG".
func attributePath(name string) path.Path {
	if m := volumePattern.FindStringSubmatch(name); m != nil {
		return below(path.Root("volumes").AtMapKey(m[1]), m[2])
	}
	if m := routePattern.FindStringSubmatch(name); m != nil {
		if i, err := strconv.Atoi(m[1]); err == nil {
			return below(path.Root("routes").AtListIndex(i), m[2])
		}
	}
	root, rest, nested := strings.Cut(name, ".")
	if renamed := renamedAttributes[root]; renamed != "" {
		root = renamed
	}
	p := path.Root(root)
	switch {
	case !nested:
		return p
	case root == "environment" || root == "secret_files" || root == "run_on":
		return p.AtMapKey(rest)
	case root == "healthcheck":
		return below(p, rest)
	default: // sets have no path to an element, and write-only values none at all
		return p
	}
}

func below(p path.Path, attribute string) path.Path {
	if attribute == "" {
		return p
	}
	return p.AtName(attribute)
}
