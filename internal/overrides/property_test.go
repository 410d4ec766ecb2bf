// SPDX-License-Identifier: MPL-2.0

package overrides_test

import (
	"bytes"
	"errors"
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
	"github.com/privateportals/terraform-provider-portal/internal/overrides/overridestest"
)

// ratio counts how often a property was put to the test, so that one that is
// hardly ever does not pass for that.
type ratio struct{ tried, done int }

func (r *ratio) check(t *testing.T, least float64) {
	t.Helper()
	t.Logf("%d of %d", r.done, r.tried)
	if float64(r.done) < least*float64(r.tried) {
		t.Errorf("only %d of %d examples put the property to the test", r.done, r.tried)
	}
}

// parsed draws a valid document.
func parsed(t *rapid.T, r *ratio) *overrides.Document {
	text := overridestest.Hostile().Draw(t, "text")
	r.tried++
	d, err := overrides.Parse([]byte(text))
	if err != nil {
		t.Skip("no valid document")
	}
	return d
}

func everything(t *rapid.T, d *overrides.Document) map[string]any {
	value, found := d.Lookup(overrides.Path{})
	m, ok := value.(map[string]any)
	if !found || !ok {
		t.Fatalf("the whole file is %v", value)
	}
	return m
}

func TestReadAndWriteLeavesTheTextAlone(t *testing.T) {
	var r ratio
	rapid.Check(t, func(t *rapid.T) {
		text := overridestest.Hostile().Draw(t, "text")
		r.tried++
		d, err := overrides.Parse([]byte(text))
		if err != nil {
			var syntax *overrides.SyntaxError
			if !errors.As(err, &syntax) || syntax.Problem == "" || syntax.Remedy == "" {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		r.done++
		if string(d.Text()) != text {
			t.Fatalf("%q became %q", text, d.Text())
		}
	})
	r.check(t, 0.8)
}

// TestSetThenRemoveGivesBackTheText sets leaves that are not there and removes
// them again.
func TestSetThenRemoveGivesBackTheText(t *testing.T) {
	var r ratio
	rapid.Check(t, func(t *rapid.T) {
		d := parsed(t, &r)
		var leaves []overrides.Leaf
		var paths []overrides.Path
		for _, l := range overridestest.Leaves().Draw(t, "leaves") {
			if _, there := d.Lookup(l.Path); !there {
				leaves = append(leaves, l)
				paths = append(paths, l.Path)
			}
		}
		changed, filled, err := d.Set(leaves)
		if err != nil {
			var conflict *overrides.ConflictError
			if !errors.As(err, &conflict) {
				t.Fatalf("%q: %v", d.Text(), err)
			}
			return
		}
		for _, l := range leaves {
			if got, found := changed.Lookup(l.Path); !found || !overrides.Equal(got, l.Value) {
				t.Fatalf("%s is %#v instead of %#v in\n%s", l.Path, got, l.Value, changed.Text())
			}
		}
		back, err := changed.Remove(paths, filled)
		if err != nil {
			t.Fatalf("%q\n%s\n%v", d.Text(), changed.Text(), err)
		}
		if !bytes.Equal(back.Text(), d.Text()) {
			t.Fatalf("%q\nset %q\nremoved %q", d.Text(), changed.Text(), back.Text())
		}
		r.done++
	})
	r.check(t, 0.5)
}

// TestSetChangesItsLeafOnly replaces a value that is there.
func TestSetChangesItsLeafOnly(t *testing.T) {
	var r ratio
	rapid.Check(t, func(t *rapid.T) {
		d := parsed(t, &r)
		leaves, err := overrides.Flatten(everything(t, d))
		if err != nil || len(leaves) == 0 {
			return
		}
		leaf := rapid.SampledFrom(leaves).Draw(t, "leaf")
		start, end, next, own := d.Span(leaf.Path)
		value := overridestest.Value(2).Draw(t, "value")
		changed, filled, err := d.Set([]overrides.Leaf{{Path: leaf.Path, Value: value}})
		if err != nil {
			var conflict *overrides.ConflictError
			if !errors.As(err, &conflict) {
				t.Fatalf("%q: %v", d.Text(), err)
			}
			return
		}
		if got, found := changed.Lookup(leaf.Path); !found || !overrides.Equal(got, value) {
			t.Fatalf("%s is %#v instead of %#v in\n%s", leaf.Path, got, value, changed.Text())
		}
		want := overrides.Unflatten(append(leaves, overrides.Leaf{Path: leaf.Path, Value: value}))
		if got := everything(t, changed); len(filled) > 0 || own && !overrides.Equal(want, got) {
			t.Fatalf("%#v became %#v", want, got)
		}
		if !own {
			return // a merged value is hidden by an own one
		}
		before, after := d.Text(), changed.Text()
		if !bytes.HasPrefix(after, before[:start]) || !bytes.HasSuffix(after, before[next:]) {
			t.Fatalf("%s at %d to %d of %q: more changed: %q", leaf.Path, start, end, before, after)
		}
		if comment := before[end:next]; !bytes.Contains(before[start:end], []byte("\n")) && bytes.Count(after, []byte("# why")) < bytes.Count(before, []byte("# why")) {
			t.Fatalf("the comment %q is gone: %q became %q", comment, before, after)
		}
		r.done++
	})
	r.check(t, 0.5)
}

// mark is the empty comment that stands where lines behind a removed leaf would
// belong to the value before it.
var mark = regexp.MustCompile(`(?m)^ *#\r?\n`)

// TestRemoveTakesOutAndAddsNothing removes leaves that others have written.
func TestRemoveTakesOutAndAddsNothing(t *testing.T) {
	var r ratio
	rapid.Check(t, func(t *rapid.T) {
		d := parsed(t, &r)
		leaves, err := overrides.Flatten(everything(t, d))
		if err != nil || len(leaves) == 0 {
			return
		}
		gone := rapid.SliceOfNDistinct(rapid.SampledFrom(leaves), 1, 3, func(l overrides.Leaf) string { return l.Path.String() }).Draw(t, "gone")
		var paths []overrides.Path
		for _, l := range gone {
			paths = append(paths, l.Path)
		}
		changed, err := d.Remove(paths, nil)
		if err != nil {
			var conflict *overrides.ConflictError
			if !errors.As(err, &conflict) {
				t.Fatalf("%q: %v", d.Text(), err)
			}
			return
		}
		rest := d.Text()
		after := changed.Text()
		if len(everything(t, changed)) == 0 {
			after = bytes.Replace(after, []byte("{}"), nil, 1) // where a file cannot be without a value
		}
		after = mark.ReplaceAll(after, nil)
		for i, c := range after {
			at := bytes.IndexByte(rest, c)
			if at < 0 {
				t.Fatalf("byte %d of %q is not of %q", i, changed.Text(), d.Text())
			}
			rest = rest[at+1:]
		}
		if before, after := bytes.Count(d.Text(), []byte("# note")), bytes.Count(changed.Text(), []byte("# note")); len(gone) == 1 && after < before && !bytes.Contains(d.Text(), []byte("- ")) {
			start, end, _, _ := d.Span(paths[0])
			if n := bytes.Count(d.Text()[start:end], []byte("# note")); after+n < before {
				t.Fatalf("comments are gone: %q became %q", d.Text(), changed.Text())
			}
		}
		r.done++
	})
	r.check(t, 0.5)
}
