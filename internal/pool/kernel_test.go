// SPDX-License-Identifier: MPL-2.0

package pool

import "testing"

func TestKernelVersions(t *testing.T) {
	least := Kernel{5, 14}
	for _, tt := range []struct {
		release string
		want    Kernel
		before  bool
	}{
		{"4.18.0-553.el8_10.x86_64", Kernel{4, 18}, true},
		{"5.4.0-150-generic", Kernel{5, 4}, true},
		{"5.10.0-28-amd64", Kernel{5, 10}, true},
		{"5.13.19", Kernel{5, 13}, true},
		{"5.14", least, false},
		{"5.14.0", least, false},
		{"5.14-rc3", least, false},
		{"5.15.167.4-microsoft-standard-WSL2", Kernel{5, 15}, false},
		{"6.1.0-13", Kernel{6, 1}, false},
		{"6.18.5+", Kernel{6, 18}, false},
	} {
		got, err := parseKernel(tt.release)
		if err != nil || got != tt.want || got.Before(least) != tt.before {
			t.Errorf("%s is read as %v, before 5.14: %v (%v)", tt.release, got, got.Before(least), err)
		}
	}
	for _, release := range []string{"", "6", "6.", "linux", "v6.1.0", ".5"} {
		if got, err := parseKernel(release); err == nil {
			t.Errorf("%q is read as %v", release, got)
		}
	}
}
