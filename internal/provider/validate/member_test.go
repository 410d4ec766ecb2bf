// SPDX-License-Identifier: MPL-2.0

package validate

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestMemberStrings(t *testing.T) {
	const good = ""
	for _, tc := range []struct {
		rule  validator.String
		value string
		want  string // part of the error
	}{
		{MemberName(), "report-mailer2", good},
		{MemberName(), "Chat", `for example "chat"`},
		{MemberName(), "chat_1", `for example "chat"`},
		{MemberName(), "-chat", `for example "chat"`},
		{MemberName(), strings.Repeat("a", 41), "at most 40"},
		{Duration(), "1h30m", good},
		{Duration(), "250ms", good},
		{Duration(), "30", `"30s"`},
		{Duration(), "0s", `"30s"`},
		{Duration(), "-5m", `"30s"`},
		{DurationOrZero(), "0s", good},
		{DurationOrZero(), "-1s", `"0s"`},
		{Size(), "512k", good},
		{Size(), "0", `"512k"`},
		{Size(), "ten", `"512k"`},
		{ContainerPath(), "/var/lib/chat", good},
		{ContainerPath(), "data", "begin with a slash"},
		{ContainerPath(), "/data/", `"/data"`},
		{ContainerPath(), "/data/../etc", `"/etc"`},
		{ContainerPath(), "/", "root cannot be mounted"},
		{ContainerPath(), "/a:b", "colon"},
		{RoutePath(), "/", good},
		{RoutePath(), "/static/", good},
		{RoutePath(), "static", "begin with a slash"},
		{RoutePath(), "/*", "wildcards"},
		{User(), "1000", good},
		{User(), "1000:33", good},
		{User(), "root", `"1000:1000"`},
		{User(), "1000:", `"1000:1000"`},
		{Timezone(), "Europe/Paris", good},
		{Timezone(), "CEST/Summer", "Europe/Paris"},
		{Timezone(), "Local", "differs from host to host"},
		{Cron(), "15 2 * * *", good},
		{Cron(), "@daily", good},
		{Cron(), "", "@daily"},
		{Cron(), "61 * * * *", "five fields"},
		{Cron(), "0 0 31 2 *", "never due"},
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
