// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fake

import (
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

func TestContract(t *testing.T) {
	enginetest.RunStates(t, func(t *testing.T) engine.Engine { return New(t.TempDir()) })
}
