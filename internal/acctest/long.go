// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
)

// Thorough is long.Thorough.
const Thorough = long.Thorough

// Long is long.Only.
func Long(t *testing.T) {
	t.Helper()
	long.Only(t)
}
