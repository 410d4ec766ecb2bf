// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"context"
	"testing"
)

func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
		if _, err := Build(context.Background(), demoSpec(), testOptions); err != nil {
			b.Fatal(err)
		}
	}
}
