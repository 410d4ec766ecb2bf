// SPDX-License-Identifier: MPL-2.0

package overrides_test

import (
	"fmt"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
	"github.com/privateportals/terraform-provider-portal/internal/overrides/overridestest"
)

func TestPlainScalars(t *testing.T) {
	for _, p := range overridestest.Plains {
		d, err := overrides.Parse([]byte("a: " + p.Text + "\n"))
		if err != nil {
			t.Errorf("%q: %v", p.Text, err)
			continue
		}
		if got, _ := d.Lookup(overrides.Path{"a"}); !overrides.Equal(got, p.Want) {
			t.Errorf("%s is %#v instead of %#v", p.Text, got, p.Want)
		}
	}
}

// TestValuesSurvive writes each value of the corpus into files of several
// styles, and reads it again.
func TestValuesSurvive(t *testing.T) {
	values := overridestest.Values()
	for _, s := range overridestest.Jinja {
		values = append(values, s)
	}
	for _, text := range []string{"", "A: 1\r\n", "{}", "{\"A\": 1}", "{A: 1,\n}", "A: |\n  open"} {
		d, err := overrides.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var leaves []overrides.Leaf
		for i, v := range values {
			leaves = append(leaves, overrides.Leaf{Path: overrides.Path{fmt.Sprintf("V%03d", i)}, Value: v})
			if s, ok := v.(string); ok {
				leaves = append(leaves, overrides.Leaf{Path: overrides.Path{"KEYS", "=" + s}, Value: "x"})
			}
		}
		leaves = shortKeys(leaves)
		changed, _, err := d.Set(leaves)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for _, l := range leaves {
			if got, found := changed.Lookup(l.Path); !found || !overrides.Equal(got, l.Value) {
				t.Errorf("%q: %s is %#v instead of %#v", text, l.Path, got, l.Value)
			}
		}
	}
}

// shortKeys leaves out what is too long for a key.
func shortKeys(leaves []overrides.Leaf) []overrides.Leaf {
	var short []overrides.Leaf
	for _, l := range leaves {
		if len(l.Path.String()) < 900 {
			short = append(short, l)
		}
	}
	return short
}
