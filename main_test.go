// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os"
	"strings"
	"testing"
)

func TestLogWhenAsked(t *testing.T) {
	for name, tc := range map[string]struct{ given, want string }{
		"nothing is asked for":   {"", "OFF"},
		"a log":                  {"TF_LOG=DEBUG", ""},
		"a log of providers":     {"TF_LOG_PROVIDER=TRACE", ""},
		"a log of the SDK's own": {"TF_LOG_SDK=WARN", "WARN"},
	} {
		for _, v := range os.Environ() {
			if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "TF_LOG") {
				t.Setenv(name, "") // so that it is put back in the end
				os.Unsetenv(name)
			}
		}
		if k, v, ok := strings.Cut(tc.given, "="); ok {
			t.Setenv(k, v)
		}
		t.Setenv("TF_LOG_SDK", os.Getenv("TF_LOG_SDK"))
		if os.Getenv("TF_LOG_SDK") == "" {
			os.Unsetenv("TF_LOG_SDK")
		}
		logWhenAsked()
		if got := os.Getenv("TF_LOG_SDK"); got != tc.want {
			t.Errorf("%s: TF_LOG_SDK is %q instead of %q", name, got, tc.want)
		}
	}
}
