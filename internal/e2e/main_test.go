// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"os"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

func TestMain(m *testing.M) { os.Exit(acctest.Main(m)) }
