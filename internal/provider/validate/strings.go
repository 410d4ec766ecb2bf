// SPDX-License-Identifier: MPL-2.0

package validate

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/go-units"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// PortalName is the name of a portal.
func PortalName() validator.String {
	return text{"a portal's name", func(s string) error {
		if stack.ValidateName(s) != nil {
			return errors.New(`use at most 40 lower-case letters, digits and single hyphens, and begin with a letter, for example "acme" or "acme-emea"`)
		}
		return nil
	}}
}

// Hostname is a DNS name, without a scheme, a port or a path.
func Hostname() validator.String {
	return text{"a hostname", hostname}
}

// Image is a reference such as "registry.example.com/edxapp:hawthorn.2".
func Image() validator.String {
	return text{"an image reference", image}
}

// Memory is an amount such as "512m" or "2g".
func Memory() validator.String {
	return text{"an amount of memory", func(s string) error {
		_, err := Bytes(s)
		return err
	}}
}

// Endpoint is the address of a Docker Engine.
func Endpoint() validator.String {
	return text{"the address of a Docker Engine", endpoint}
}

// SocketPath is an absolute path of a socket on a host.
func SocketPath() validator.String {
	return text{"a socket on a host", func(s string) error {
		switch {
		case !path.IsAbs(s):
			return errors.New("begin with a slash, for example /var/run/docker.sock")
		case path.Clean(s) != s:
			return fmt.Errorf("write it as %q", path.Clean(s))
		}
		return nil
	}}
}

// StoragePath is an absolute path of a directory on the hosts.
func StoragePath() validator.String {
	return text{"a directory on the hosts", storagePath}
}

// SubnetPool is a network that portals take their subnets from.
func SubnetPool() validator.String {
	return text{"a network in CIDR notation", subnetPool}
}

// RegistryHost is a registry's hostname, with a port where there is one.
func RegistryHost() validator.String {
	return text{"the hostname of a registry", registryHost}
}

// EnvironmentName is the name of an environment variable.
func EnvironmentName() validator.String {
	return text{"the name of an environment variable", func(s string) error {
		if !environmentPattern.MatchString(s) {
			return errors.New("use letters, digits and underscores, and begin with a letter, for example GUNICORN_WORKERS")
		}
		return nil
	}}
}

var (
	labelPattern       = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	environmentPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func hostname(s string) error {
	switch {
	case strings.Contains(s, "://"):
		return errors.New("leave the scheme out, for example learn.example.com")
	case strings.ContainsAny(s, "/:"):
		return errors.New("leave port and path out, for example learn.example.com")
	case s != strings.ToLower(s):
		return fmt.Errorf("write it in lower case, %q", strings.ToLower(s))
	case len(s) > 253:
		return errors.New("it is longer than 253 characters")
	}
	for label := range strings.SplitSeq(s, ".") {
		if !labelPattern.MatchString(label) {
			return fmt.Errorf("the part %q must have 1 to 63 letters, digits and hyphens, and not begin or end with a hyphen", label)
		}
	}
	return nil
}

func image(s string) error {
	if _, err := reference.ParseNormalizedNamed(s); err != nil {
		return fmt.Errorf("%w; write for example \"mysql:8.4\" or \"registry.example.com/edxapp:hawthorn.2\"", err)
	}
	return nil
}

// smallest is Docker's own minimum for a container's memory.
const smallest = 6 * units.MiB

// Bytes reads an amount of memory. Units are powers of 1024, as Docker has them.
func Bytes(s string) (int64, error) {
	const examples = `write a number with a unit, for example "512m", "1.5g" or "2g"`
	n, err := units.RAMInBytes(s)
	if err != nil {
		return 0, errors.New(examples)
	}
	if n < smallest {
		return 0, fmt.Errorf("at least 6m are needed; %s", examples)
	}
	return n, nil
}

func endpoint(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return errors.New(`write for example "unix:///var/run/docker.sock", "tcp://10.0.0.12:2376" or "ssh://ops@10.0.0.11"`)
	}
	switch u.Scheme {
	case "unix", "npipe":
		return nil
	case "tcp":
		if u.Port() == "" {
			return errors.New(`the port is missing, for example "tcp://10.0.0.12:2376"`)
		}
		return nil
	case "ssh":
		if _, secret := u.User.Password(); secret {
			return errors.New("leave the password out, it is not used: give a key in ssh.private_key")
		}
		if u.Hostname() == "" {
			return errors.New(`the host is missing, for example "ssh://ops@10.0.0.11"`)
		}
		return nil
	default:
		return fmt.Errorf("the scheme must be unix, tcp or ssh, not %q", u.Scheme)
	}
}

func storagePath(s string) error {
	switch {
	case !path.IsAbs(s):
		return errors.New("begin with a slash, for example /srv/portals")
	case path.Clean(s) != s:
		return fmt.Errorf("write it as %q", path.Clean(s))
	case s == "/":
		return errors.New("the root directory cannot be the shared drive; use for example /srv/portals")
	case strings.ContainsAny(s, ":\x00\n"):
		return errors.New("it must not hold a colon or a line break")
	}
	return nil
}

func subnetPool(s string) error {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return errors.New(`write an IPv4 network, for example "10.210.0.0/16"`)
	case !p.Addr().Is4():
		return errors.New(`only IPv4 is possible, for example "10.210.0.0/16"`)
	case p.Masked() != p:
		return fmt.Errorf("bits are set beyond the prefix; write %q", p.Masked())
	case p.Bits() > 26:
		return errors.New("a portal's network is a /26, so the pool must be a /26 at least; a /16 has room for 1024 portals")
	}
	return nil
}

func registryHost(s string) error {
	switch {
	case strings.Contains(s, "://"):
		return errors.New("leave the scheme out, for example ghcr.io")
	case s == "" || strings.ContainsAny(s, "/ "):
		return errors.New("write the hostname alone, for example ghcr.io or registry.example.com:5000")
	}
	return nil
}
