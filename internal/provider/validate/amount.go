// SPDX-License-Identifier: MPL-2.0

package validate

import (
	"fmt"

	"github.com/docker/go-units"
)

// Amount writes bytes the way Bytes reads them, in the largest unit that
// leaves no fraction: 2147483648 is "2g".
func Amount(bytes int64) string {
	for _, unit := range []struct {
		size   int64
		suffix string
	}{{units.GiB, "g"}, {units.MiB, "m"}, {units.KiB, "k"}} {
		if bytes%unit.size == 0 {
			return fmt.Sprintf("%d%s", bytes/unit.size, unit.suffix)
		}
	}
	return fmt.Sprintf("%db", bytes)
}
