// SPDX-License-Identifier: MPL-2.0

package validate

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestStrings(t *testing.T) {
	const good = ""
	for _, tc := range []struct {
		rule  validator.String
		value string
		want  string // part of the error
	}{
		{PortalName(), "acme-emea-2", good},
		{PortalName(), "Acme", `for example "acme"`},
		{PortalName(), "acme_", `for example "acme"`},
		{Hostname(), "learn.acme.com", good},
		{Hostname(), "localhost", good},
		{Hostname(), "", `the part ""`},
		{Hostname(), "learn..acme.com", `the part ""`},
		{Hostname(), "-a.com", `the part "-a"`},
		{Hostname(), "*.acme.com", `the part "*"`},
		{Hostname(), "learn.acme.com:80", "leave port and path out"},
		{Hostname(), strings.Repeat("abcdefgh.", 30) + "com", "longer than 253"},
		{Image(), "mysql:8.4", good},
		{Image(), "registry.example.com:5000/team/edxapp@sha256:" + strings.Repeat("a", 64), good},
		{Image(), "my sql", "mysql:8.4"},
		{Memory(), "1.5g", good},
		{Memory(), "6291456", good},
		{Memory(), "5m", "at least 6m are needed"},
		{Memory(), "2 gigs", `"512m"`},
		{Endpoint(), "tcp://10.0.0.12:2376", good},
		{Endpoint(), "unix:///var/run/docker.sock", good},
		{Endpoint(), "tcp://10.0.0.12", "the port is missing"},
		{Endpoint(), "ssh://ops@10.0.0.11", good},
		{Endpoint(), "ssh://[2001:db8::7]:2222/run/user/1000/docker.sock", good},
		{Endpoint(), "ssh://ops:secret@10.0.0.11", "leave the password out"},
		{Endpoint(), "ssh:///run/docker.sock", "the host is missing"},
		{Endpoint(), "10.0.0.12:2376", "tcp://10.0.0.12:2376"},
		{Endpoint(), "https://10.0.0.12:2376", "must be unix, tcp or ssh"},
		{SocketPath(), "/run/docker.sock", good},
		{SocketPath(), "run/docker.sock", "begin with a slash"},
		{SocketPath(), "/run/../docker.sock", `"/docker.sock"`},
		{StoragePath(), "/srv/portals", good},
		{StoragePath(), "srv/portals", "begin with a slash"},
		{StoragePath(), "/srv/portals/", `"/srv/portals"`},
		{StoragePath(), "/", "cannot be the shared drive"},
		{StoragePath(), "/srv/a:b", "colon"},
		{SubnetPool(), "10.210.0.0/16", good},
		{SubnetPool(), "10.210.0.1/16", `write "10.210.0.0/16"`},
		{SubnetPool(), "10.210.0.0/27", "/26 at least"},
		{SubnetPool(), "fd00::/48", "only IPv4"},
		{SubnetPool(), "10.210.0.0", "write an IPv4 network"},
		{HostAddress(), "203.0.113.7", good},
		{HostAddress(), "2001:db8::7", good},
		{HostAddress(), "dal-1.example.com", good},
		{HostAddress(), "7.example.com", good},
		{HostAddress(), "", `the part ""`},
		{HostAddress(), "0.0.0.0", "no address that anybody can reach"},
		{HostAddress(), "::", "no address that anybody can reach"},
		{HostAddress(), "fe80::1%eth0", "leave the zone out"},
		{HostAddress(), "tcp://10.0.0.12:2376", "leave the scheme out"},
		{HostAddress(), "10.0.0.12:2376", "leave port"},
		{HostAddress(), "[2001:db8::7]", "brackets out"},
		{HostAddress(), "dal-1/x", "path"},
		{HostAddress(), "10.0.0.256", "neither an IP address nor a hostname"},
		{HostAddress(), "10.0.12", "neither an IP address nor a hostname"},
		{HostAddress(), "Dal-1.example.com", "lower case"},
		{RegistryHost(), "registry.example.com:5000", good},
		{RegistryHost(), "https://ghcr.io", "leave the scheme out"},
		{RegistryHost(), "ghcr.io/acme", "hostname alone"},
		{EnvironmentName(), "GUNICORN_WORKERS", good},
		{EnvironmentName(), "2A", "begin with a letter"},
	} {
		got := check(tc.rule, types.StringValue(tc.value))
		switch {
		case tc.want == good && got != "":
			t.Errorf("%q was refused: %s", tc.value, got)
		case tc.want != good && !strings.Contains(got, tc.want):
			t.Errorf("%q gives %q, without %q", tc.value, got, tc.want)
		}
	}
}

func TestUnsetAndUnknownPass(t *testing.T) {
	for _, value := range []types.String{types.StringNull(), types.StringUnknown()} {
		if got := check(Hostname(), value); got != "" {
			t.Errorf("%s was refused: %s", value, got)
		}
	}
}

func TestAmountIsReadBack(t *testing.T) {
	for bytes, want := range map[int64]string{
		2 << 30: "2g", 1536 << 20: "1536m", 6291456 + 1024: "6145k", 6291456 + 1: "6291457b",
	} {
		got := Amount(bytes)
		if got != want {
			t.Errorf("%d is written %q instead of %q", bytes, got, want)
		}
		if back, err := Bytes(got); err != nil || back != bytes {
			t.Errorf("%q is read as %d, %v instead of %d", got, back, err, bytes)
		}
	}
}

// check returns the text of the error, empty when there is none.
func check(rule validator.String, value types.String) string {
	var resp validator.StringResponse
	rule.ValidateString(context.Background(), validator.StringRequest{Path: path.Root("x"), ConfigValue: value}, &resp)
	if !resp.Diagnostics.HasError() {
		return ""
	}
	return resp.Diagnostics[0].Detail()
}
