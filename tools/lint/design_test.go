// SPDX-License-Identifier: MPL-2.0

package lint

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDesignNamesTests looks for each test that DESIGN.md says holds a promise.
func TestDesignNamesTests(t *testing.T) {
	design, err := os.ReadFile("../../DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err = filepath.WalkDir("../../internal", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range declared.FindAllSubmatch(source, -1) {
			there = append(there, string(match[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)[`/]").FindAllStringSubmatch(string(design), -1)
	if len(named) == 0 {
		t.Fatal("DESIGN.md names no test")
	}
	for _, match := range named {
		if !slices.Contains(there, match[1]) {
			t.Errorf("DESIGN.md names %s, which is no test beneath internal/", match[1])
		}
	}
}
