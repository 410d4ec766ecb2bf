// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

func TestMistakesFailInThePlan(t *testing.T) {
	for name, tc := range map[string]struct {
		attributes string
		want       string
	}{
		"no time":         {`cron = "every day"`, `not\s+a\s+cron\s+expression`},
		"no zone":         {daily + `timezone = "Paris"`, `for\s+example\s+"Europe/Paris"`},
		"no rule":         {daily + `keep = { daily = 0 }`, `at\s+least\s+one\s+of\s+last`},
		"nothing":         {daily + `include = []`, `at\s+least\s+1`},
		"an unknown part": {daily + `include = ["mysql"]`, `databases`},
		"no percentage":   {daily + `verify = { cron = "@weekly", read_data_percent = 0 }`, `between\s+1\s+and\s+100`},
		"credentials without a version": {
			daily + `credentials_wo = { AWS_ACCESS_KEY_ID = "x" }`, `credentials_wo_version`,
		},
		"a version without credentials": {daily + `credentials_wo_version = 1`, `credentials_wo`},
		"a webhook without a version": {
			daily + `webhook_url_wo = "https://hooks.example.com"`, `webhook_url_wo_version`,
		},
		"sftp without a key": {
			daily + `repository = "sftp:backup@host:/srv/acme"`, `Missing\s+SSH_PRIVATE_KEY`,
		},
		"sftp on an unknown host": {
			daily + "repository = \"sftp:backup@host:/srv/acme\"\ncredentials_wo = { SSH_PRIVATE_KEY = \"x\" }\ncredentials_wo_version = 1",
			`Missing\s+SSH_KNOWN_HOSTS`,
		},
		"a key without sftp": {
			daily + "credentials_wo = { SSH_PRIVATE_KEY = \"x\" }\ncredentials_wo_version = 1", `Unused\s+SSH_PRIVATE_KEY`,
		},
		"too many retries": {daily + `retries = 11`, `between\s+0\s+and\s+10`},
	} {
		t.Run(name, func(t *testing.T) {
			_, test := rig(t)
			test.Steps = []resource.TestStep{{Config: config(tc.attributes), PlanOnly: true, ExpectError: regexp.MustCompile(tc.want)}}
			resource.UnitTest(t, test)
		})
	}
}

func TestRepositoryAddress(t *testing.T) {
	for address, want := range map[string]string{
		"s3:https://s3.example.com/bucket/acme": "",
		"s3:s3.amazonaws.com/bucket":            "",
		"sftp:backup@host:/srv/acme":            "",
		"sftp://backup@host:2222//srv/acme":     "",
		"rest:https://host:8000/acme":           "",
		"rest:https://me@host/acme":             "",
		"b2:bucket:acme":                        "",
		"rest:https://me:hunter2@host/acme":     "holds a password",
		"/srv/backups":                          "is a directory in the container",
		"local:/srv/backups":                    "is a directory in the container",
		"https://s3.example.com/bucket":         "must begin with one of",
		"backups":                               "must begin with one of",
		"s3:":                                   "must begin with one of",
		"s3:https://s3.example.com/my bucket":   "spaces or line breaks",
	} {
		got := addressProblem(address)
		if found := regexp.MustCompile(want).MatchString(got); !found || (want == "") != (got == "") {
			t.Errorf("%s: %q instead of %q", address, got, want)
		}
		if regexp.MustCompile("hunter2").MatchString(got) {
			t.Errorf("the error shows the password: %s", got)
		}
	}
}

func TestCredentials(t *testing.T) {
	for _, tc := range []struct{ name, value, want string }{
		{"AWS_ACCESS_KEY_ID", "key", ""},
		{"RESTIC_PASSWORD", "two words = 1", ""},
		{"SSH_PRIVATE_KEY", "line\nline\n", ""},
		{"aws_key", "x", "not the name of a variable"},
		{"A-B", "x", "not the name of a variable"},
		{"RESTIC_REPOSITORY", "s3:x", "attribute repository"},
		{"AWS_ACCESS_KEY_ID", "", "has no value"},
		{"AWS_ACCESS_KEY_ID", "hunter2\n", "holds a line break"},
	} {
		got := credentialProblem(tc.name, types.StringValue(tc.value))
		if found := regexp.MustCompile(tc.want).MatchString(got); !found || (tc.want == "") != (got == "") {
			t.Errorf("%s: %q instead of %q", tc.name, got, tc.want)
		}
		if regexp.MustCompile("hunter2").MatchString(got) {
			t.Errorf("the error shows the secret: %s", got)
		}
	}
}
