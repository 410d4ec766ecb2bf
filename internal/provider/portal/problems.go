// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"errors"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// problems turns the error of a build into diagnostics, each at the attribute
// that causes it.
func problems(portal string, err error) diag.Diagnostics {
	var found blueprint.Problems
	if !errors.As(err, &found) {
		return diag.Diagnostics{client.Failure(portal, "reading the blueprint", err)}
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

// servicePattern takes "services.<name>.<attribute>.<key>" apart. Names of
// services may hold dots, so the attribute is looked for by its name.
var servicePattern = regexp.MustCompile(`^services\.(.+?)(?:\.(image|replicas|memory|cpus|environment)(?:\.(.+))?)?$`)

// attributePath is the path of an attribute that the blueprint names with dots:
// "domain", "images.edxapp", "services.lms.environment.LANG".
func attributePath(name string) path.Path {
	if m := servicePattern.FindStringSubmatch(name); m != nil {
		p := path.Root("services").AtMapKey(m[1])
		if m[2] != "" {
			p = p.AtName(m[2])
		}
		if m[3] != "" {
			p = p.AtMapKey(m[3])
		}
		return p
	}
	root, key, nested := strings.Cut(name, ".")
	switch {
	case nested && root == "images":
		return path.Root(root).AtMapKey(key)
	case nested && root == "tls":
		return certificate.Path(key)
	default:
		return path.Root(root)
	}
}
