// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fake

import (
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

func TestAgents(t *testing.T) {
	enginetest.RunAgents(t, func(t *testing.T) engine.Engine { return New(t.TempDir()) })
}
