// SPDX-License-Identifier: MPL-2.0

package blueprint

import "testing"

func TestBuiltinGolden(t *testing.T) {
	spec := demoSpec()
	golden(t, "private-portal.golden.json", readable(t, mustBuild(t, spec)))
}
