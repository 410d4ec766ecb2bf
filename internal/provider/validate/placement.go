// SPDX-License-Identifier: MPL-2.0

package validate

import (
	"errors"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/privateportals/terraform-provider-portal/internal/placement"
)

// Constraint is a condition on the host that a portal runs on.
func Constraint() validator.String {
	return text{"a constraint", func(s string) error {
		_, err := placement.Parse(s)
		return err
	}}
}

// hostNameRE is what the pool takes as the name of a host.
var hostNameRE = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// HostName is the name of a host in the provider block.
func HostName() validator.String {
	return text{"the name of a host", func(s string) error {
		if !hostNameRE.MatchString(s) {
			return errors.New("write the name that the host has in the provider's hosts: letters, digits, '.', '_' and '-'")
		}
		return nil
	}}
}
