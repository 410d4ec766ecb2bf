// SPDX-License-Identifier: MPL-2.0

package validate

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// HostAddress is the IP address or hostname of a host, without a scheme or a
// port.
func HostAddress() validator.String {
	return text{"the address of a host", hostAddress}
}

// digitsAtEnd is what no hostname has, and a mistyped IPv4 address does.
var digitsAtEnd = regexp.MustCompile(`(^|\.)[0-9]+$`)

func hostAddress(s string) error {
	const examples = "write for example 203.0.113.7, 2001:db8::7 or dal-1.example.com"
	ip, err := netip.ParseAddr(s)
	switch {
	case err == nil && ip.IsUnspecified():
		return errors.New("this is no address that anybody can reach; " + examples)
	case err == nil && ip.Zone() != "":
		return errors.New("leave the zone out, which only the host itself knows; " + examples)
	case err == nil:
		return nil
	case strings.Contains(s, "://"):
		return errors.New("leave the scheme out; " + examples)
	case strings.ContainsAny(s, "/:[]"):
		return errors.New("leave port, path and brackets out; " + examples)
	case digitsAtEnd.MatchString(s):
		return errors.New("this is neither an IP address nor a hostname; " + examples)
	}
	return hostname(s)
}
