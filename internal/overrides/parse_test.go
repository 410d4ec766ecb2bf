// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"a: 1\n\tb: 2\n", "line 2: a tab in the indentation: indent with spaces"},
		{"a:\n\t- 1\n", "line 2: a tab in the indentation: indent with spaces"},
		{"a: 1\nb: \xff\n", "line 2: byte 0xff is not valid UTF-8: save the file in UTF-8"},
		{"\xff\xfea\x00:\x00", "line 1: byte 0xff is not valid UTF-8: save the file in UTF-8"},
		{"a: 1\n\x00", "line 2: the control character U+0000: remove it, or write it in double quotes as \"\\u0000\""},
		{"a: \x1b[0m\n", "line 1: the control character U+001B: remove it, or write it in double quotes as \"\\u001b\""},
		{"a: 1\n---\nb: 1\n", "line 2: a second document begins: put everything into one, without --- between"},
		{"a: 1\nb: 2\n'a': 3\n", "line 3: the key 'a' stands on line 1 already: keep one of them"},
		{"f:\n  a: 1\n  a: 1\n", "line 3: the key a stands on line 2 already: keep one of them"},
		{"yes: 1\non: 1\n", "line 2: the key on stands on line 1 already: keep one of them"},
		{"1: 1\nyes: 1\n", "line 2: the key yes stands on line 1 already: keep one of them"},
		{"- a\n", "line 1: the file holds a list and no mapping: write variables, one a line, as in EDXAPP_PLATFORM_NAME: \"Acme\""},
		{"--- null\n", "line 1: the file holds a single value and no mapping: write variables, one a line, as in EDXAPP_PLATFORM_NAME: \"Acme\""},
		{"a: *b\n", "line 1: unknown anchor 'b' referenced: define the anchor before the alias, or put the value into quotes"},
		{"a: &n 1\nb: &n 2\n", "line 2: the anchor &n stands on line 1 already: give it another name"},
		{"a: &a [*a]\n", "line 1: the anchor &a contains itself: write its value out"},
		{"a: {{ b }}\n", "line 1: a key is a list or a mapping: write a simple key; put a value that begins with {{ into quotes"},
		{"? [a]\n: 1\n", "line 1: a key is a list or a mapping: write a simple key; put a value that begins with {{ into quotes"},
		{"a: \"b\n", "line 2: while scanning a quoted scalar found unexpected end of stream: close the quote or bracket"},
		{"a: b: c\n", "line 1: mapping values are not allowed in this context: check the indentation, and put a value that contains a colon and a space into quotes"},
		{"a: @b\n", "line 1: while scanning for the next token found character that cannot start any token: put a value that begins with @, ` or % into quotes"},
		{"<<: 1\n", "line 1: << merges something that is no mapping: let it refer to mappings only"},
		{strings.Repeat("#", maxSize+1), "the file has 1048577 bytes: at most 1 MiB are read: remove what does not belong there"},
		{"a: " + strings.Repeat("[", 101) + strings.Repeat("]", 101), "line 1: values are nested more than 100 levels deep: nest them less"},
	} {
		_, err := Parse([]byte(tt.text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || err.Error() != tt.want {
			t.Errorf("%.80q: %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

// TestHostileSizesAreBounded parses what is made to take long.
func TestHostileSizesAreBounded(t *testing.T) {
	const size = maxSize / 8 // enough to tell what grows with the square
	fill := func(head, part, tail string) string {
		return head + strings.Repeat(part, (size-len(head)-len(tail))/len(part)) + tail
	}
	var bomb, chain strings.Builder
	bomb.WriteString("n0: &n0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n")
	chain.WriteString("n0: &n0 [[[[[[[[[[]]]]]]]]]]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&bomb, "n%d: &n%d [%s*n%d]\n", i, i, strings.Repeat(fmt.Sprintf("*n%d, ", i-1), 9), i-1)
		fmt.Fprintf(&chain, "n%d: &n%d [[[[[[[[[*n%d]]]]]]]]]\n", i, i, i-1)
	}
	var keys, merges strings.Builder
	merges.WriteString("n: &n {")
	for i := range 1000 {
		fmt.Fprintf(&merges, "k%d: 1, ", i)
	}
	merges.WriteString("}\n")
	for i := 0; keys.Len() < size; i++ {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
		if i < 5000 {
			fmt.Fprintf(&merges, "m%d: {<<: *n}\n", i)
		}
	}
	for name, tt := range map[string]struct {
		text string
		ok   bool
	}{
		"brackets":   {fill("", "[", ""), false},
		"braces":     {fill("", "{", ""), false},
		"dashes":     {fill("", "- ", ""), false},
		"questions":  {fill("", "? ", ""), false},
		"list":       {fill("a: [", "1, ", "1]"), true},
		"nulls":      {fill("a:\n", "-\n", ""), true},
		"comments":   {fill("", "# c\n", ""), true},
		"blank":      {fill("a: |+\n", "\n", ""), true},
		"digits":     {fill("a: 1", "0", ""), true},
		"sixties":    {fill("a: 1", ":1", ""), true},
		"folded":     {fill("a: x", " y\n  z", ""), true},
		"aliases":    {fill("n: &n 1\na: [", "*n , ", "1]"), true},
		"bomb":       {bomb.String(), false},
		"deep chain": {chain.String(), false},
		"merges":     {merges.String(), false},
		"keys":       {keys.String(), true},
	} {
		start := time.Now()
		_, err := Parse([]byte(tt.text))
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// TestLongNumbersAreStrings: no attempt is made at numbers that Python refuses.
func TestLongNumbersAreStrings(t *testing.T) {
	d := parse(t, "a: 1"+strings.Repeat("0", maxDigits)+"\n")
	v, _ := d.Lookup(Path{"a"})
	if text, ok := v.(string); !ok || len(text) != maxDigits+1 {
		t.Errorf("%v is not the text of the number", v)
	}
}

func TestParseAccepts(t *testing.T) {
	for _, text := range []string{
		"", "\n", "\ufeff", "# only a comment", "---", "--- # c\n...\n", "%YAML 1.2\n---\na: 1\n", "%TAG ! tag:x,1:\n---\na: !b 1\n",
		"{}", "\ufeff{}", "a: 1\n...\n# c\n", "a: !vault |\n  61\n", "&root\na: 1\n", "!!map\na: 1\n", "{\n\t\"a\":\t1\n}",
		"{\"a\": \"\\ud83d\\ude00\\/\\\\ud83d\"}",
	} {
		d := parse(t, text)
		if string(d.Text()) != text {
			t.Errorf("%q became %q", text, d.Text())
		}
	}
}
