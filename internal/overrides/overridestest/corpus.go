// SPDX-License-Identifier: MPL-2.0

package overridestest

import (
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

// Plain is a scalar without quotes, and what Ansible reads there.
type Plain struct {
	Text string
	Want any
}

const (
	yes = true
	no  = false
)

func n(text string) overrides.Number { return overrides.Number(text) }

// Plains are scalars in which YAML 1.1 sees what people do not, and the other
// way round.
var Plains = []Plain{
	{"", nil},
	{"~", nil},
	{"null", nil},
	{"Null", nil},
	{"NULL", nil},
	{"nULL", "nULL"},
	{"None", "None"},
	{"nil", "nil"},

	{"yes", yes},
	{"Yes", yes},
	{"YES", yes},
	{"yEs", "yEs"},
	{"no", no},
	{"No", no},
	{"NO", no},
	{"true", yes},
	{"True", yes},
	{"TRUE", yes},
	{"tRUE", "tRUE"},
	{"false", no},
	{"False", no},
	{"FALSE", no},
	{"on", yes},
	{"On", yes},
	{"ON", yes},
	{"off", no},
	{"Off", no},
	{"OFF", no},
	{"y", "y"},
	{"Y", "Y"},
	{"n", "n"},
	{"N", "N"},
	{"t", "t"},

	{"0", n("0")},
	{"-0", n("0")},
	{"1", n("1")},
	{"+1", n("1")},
	{"-1", n("-1")},
	{"12345678901234567890123", n("12345678901234567890123")},
	{"012", n("10")},
	{"-012", n("-10")},
	{"00", n("0")},
	{"010", n("8")},
	{"08", "08"},
	{"09", "09"},
	{"0o14", "0o14"},
	{"0777", n("511")},
	{"0_7", n("7")},
	{"0x1F", n("31")},
	{"0x1f", n("31")},
	{"0X1F", "0X1F"},
	{"-0x10", n("-16")},
	{"0x_ff", n("255")},
	{"0b101", n("5")},
	{"-0b11", n("-3")},
	{"0B1", "0B1"},
	{"0b12", "0b12"},
	{"1_000", n("1000")},
	{"1__0", n("10")},
	{"_1", "_1"},
	{"1_", n("1")},
	{"1,000", "1,000"},
	{"1 000", "1 000"},
	{"1-", "1-"},
	{"--1", "--1"},
	{"190:20:30", n("685230")},
	{"1:30", n("90")},
	{"-1:30", n("-90")},
	{"01:30", "01:30"},
	{"0:30", "0:30"},
	{"1:60", "1:60"},
	{"1:5", n("65")},
	{"12:30:45", n("45045")},
	{"1:2:3:4", n("223384")},

	{"1.5", n("1.5")},
	{"-1.5", n("-1.5")},
	{"+1.5", n("1.5")},
	{"1.", n("1")},
	{".5", n("0.5")},
	{"-.5", "-.5"},
	{"+.5", "+.5"},
	{"1.0", n("1")},
	{"-0.0", n("0")},
	{"1e3", "1e3"},
	{"1E3", "1E3"},
	{"1e+3", "1e+3"},
	{"1.0e3", "1.0e3"},
	{"1.0e+3", n("1000")},
	{"1.0E-3", n("0.001")},
	{".5e+1", n("5")},
	{"1.e+3", n("1000")},
	{"12e03", "12e03"},
	{"0.1", n("0.1")},
	{"0.10000000000000000001", n("0.1")},
	{"1.5e-10", n("1.5e-10")},
	{"1.7976931348623157e+308", n("17976931348623157" + strings.Repeat("0", 292))},
	{"1_0.5", n("10.5")},
	{"1.2.3", "1.2.3"},
	{"1.5.", "1.5."},
	{"._1", "._1"},
	{"01.5", n("1.5")},
	{"08.5", n("8.5")},
	{"1:30.5", n("90.5")},
	{"190:20:30.15", n("685230.15")},
	{"01:30.5", n("90.5")},
	{".inf", ".inf"},
	{".Inf", ".inf"},
	{"+.INF", ".inf"},
	{"-.inf", "-.inf"},
	{".iNF", ".iNF"},
	{"inf", "inf"},
	{"Infinity", "Infinity"},
	{".nan", ".nan"},
	{".NaN", ".nan"},
	{"nan", "nan"},
	{"NaN", "NaN"},
	{"1.0e+400", ".inf"},

	{"2026-11-22", "2026-11-22"},
	{"2026-1-2", "2026-1-2"},
	{"2026-11-22 10:00:00", "2026-11-22T10:00:00"},
	{"2026-1-2 3:04:05", "2026-01-02T03:04:05"},
	{"2001-12-14t21:59:43.10-05:00", "2001-12-14T21:59:43.100000-05:00"},
	{"2001-12-15 2:59:43.10", "2001-12-15T02:59:43.100000"},
	{"2001-12-14 21:59:43.1234567 -5", "2001-12-14T21:59:43.123456-05:00"},
	{"2001-12-14T21:59:43Z", "2001-12-14T21:59:43+00:00"},
	{"2001-12-14T21:59:43 +0:30", "2001-12-14T21:59:43+00:30"},
	{"2001-12-14T21:59:43.Z", "2001-12-14T21:59:43+00:00"},
	{"2026-11-22 10:00", "2026-11-22 10:00"},
	{"22.11.2026", "22.11.2026"},
	{"20261122", n("20261122")},
	{"2026-11", "2026-11"},
	{"10:00:00", n("36000")},

	{"plain text", "plain text"},
	{"a#b", "a#b"},
	{"a:b", "a:b"},
	{"http://x/#a", "http://x/#a"},
	{"x, y", "x, y"},
	{"it's", "it's"},
	{"a \"b\"", "a \"b\""},
	{"-x", "-x"},
	{":x", ":x"},
	{"?x", "?x"},
	{"a\\n", "a\\n"},
	{"<<x", "<<x"},
	{"==", "=="},
	{"=x", "=x"},
	{"a{b}", "a{b}"},
	{"a[b]", "a[b]"},
	{"~x", "~x"},
	{"x!", "x!"},
	{"50%", "50%"},
	{"a&b", "a&b"},
	{"a*b", "a*b"},
	{"é", "é"},
	{"🙂", "🙂"},
}

// Strings that are something else in YAML, or Jinja, when they are written
// carelessly.
var Strings = []string{
	"", " ", "  ", "\t", "\n", "\n\n", "\r", "\r\n", "~", "null", "Null", "NULL", "None",
	"yes", "Yes", "YES", "no", "on", "off", "true", "True", "false", "y", "n", "Y", "N",
	"0", "1", "-1", "+1", "012", "0o14", "08", "0x1F", "0b1", "1_000", "1e3", "1.0e+3", "1.5", ".5", "5.", ".inf", "-.INF", ".nan", "1:30", "190:20:30",
	"2026-11-22", "2026-11-22 10:00:00", "2001-12-14t21:59:43.10-05:00",
	"=", "<<", "-", "- a", "--", "---", "--- a", "...", "?", "? a", ":", ": a", "a:", "a: b", "#", "# a", "a #b", "a#b",
	"&a", "*a", "!a", "!!str a", "%a", "%YAML 1.1", "@a", "`a`", "|", "|-", ">", ">+", "{", "}", "[", "]", "{a}", "[a]", "{a: b}", ",", "a, b",
	"'", "\"", "''", "\"\"", "'a'", "\"a\"", "it's", "say \"x\"", "\\", "\\n", "C:\\new\\table", "\\\"", "\"\\", "a\\",
	"tab\there", "\ttab", "tab\t", " lead", "trail ", "  two  ", "nl\n", "\nnl", "a\nb", "a\n\nb\n\n", "a\n  b\n c\n", "  a\nb", "a \n b", "cr\rx", "crlf\r\nx\r\n",
	"\x00", "\x01", "a\x07b", "\x1b[0m", "\x7f", "\u0085", "\u00a0", "\u2028", "\u2029", "a\u2028b", "\u200b", "\ufeff", "a\ufeff", "\ufffd", "\ufffe", "\uffff", "\u202eabc",
	"é", "École supérieure", "日本語", "🙂", "e\u0301", "\U0010ffff", "\U0001f468\u200d\U0001f469",
	strings.Repeat("long ", 1000), strings.Repeat("x", 3000), strings.Repeat("line\n", 200), strings.Repeat("a: b # c\n", 3),
	"-----BEGIN CERTIFICATE-----\nMIIB0zCCAX2gAwIBAgIJAI/M7BYjwB+u\nMA0GCSqGSIb3DQEBBQUA\n-----END CERTIFICATE-----\n",
	"<p class=\"x\">It's &amp; more</p>\n<!-- # -->\n", "{\"a\": [1, null, \"b\"]}", "[1, 2]", "^(?:a|b)\\d+$", "*/5 * * * *", "key=value", "$VAR ${VAR}", "a/b/c.d", "ops@acme.com", "https://acme.com/?a=b&c=d#e", "50%", "%(name)s", "p@ss:w0rd#!{}[]",
}

// Jinja are strings that Ansible evaluates when it uses them.
var Jinja = []string{
	"{{ EDXAPP_BASE }}", "{{ EDXAPP_BASE }}/x", "https://{{ EDXAPP_BASE }}:8000", "{{ EDXAPP_BASE | default(\"x\") }}", "{{ 'a' ~ \"b\" }}", "{% if true %}a{% endif %}", "{# note #}", "{{", "}}", "{{ {'a': 1} }}",
}

// Numbers of all sizes.
var Numbers = []overrides.Number{
	"0", "1", "-1", "12", "1000000", "2147483648", "9007199254740993", "9223372036854775808", "18446744073709551616", n("1" + strings.Repeat("0", 30)), n("-1" + strings.Repeat("0", 100)),
	"0.1", "-0.1", "1.5", "0.30000000000000004", "3.141592653589793", "123456.789", "0.0001", "1e-05", "1e-07", "1.5e-10", "-2.5e-300", "5e-324", "0.000123",
}

// Collections are lists and mappings, with keys that are no strings when they
// are written carelessly.
var Collections = []any{
	[]any{},
	map[string]any{},
	[]any{[]any{}},
	[]any{map[string]any{}},
	[]any{nil},
	[]any{"a", n("1"), true, nil, n("0.5")},
	[]any{"yes", "012", "a: b", ""},
	[]any{[]any{"a", "b"}, []any{"c"}},
	[]any{[]any{[]any{[]any{"deep"}}}},
	[]any{"a", []any{}, "b"},
	[]any{map[string]any{"a": n("1"), "b": "x"}, map[string]any{"a": []any{"y", map[string]any{"z": nil}}}},
	[]any{map[string]any{"yes": "a", "1": "b", "": "c", "null": "d", "<<": "e", "=": "f", "a b": "g", "a: b": "h", "# c": "i", "é": "j", "-": "k", "1.5": "l", "2026-11-22": "m", "y": "n", "~": "o", "a\nb": "p", "\"": "q", "'": "r", "{x}": "s", "? x": "t", "*x": "u", "a.b": "v"}},
	[]any{map[string]any{"a": map[string]any{"b": map[string]any{"c": map[string]any{}}}}},
	[]any{map[string]any{"l": []any{[]any{"x"}, map[string]any{"k": []any{}}}}},
	[]any{"line\nline\n", " x ", "#"},
}

// Values are all of them but Jinja.
func Values() []any {
	values := []any{nil, true, false}
	for _, s := range Strings {
		values = append(values, s)
	}
	for _, number := range Numbers {
		values = append(values, number)
	}
	return append(values, Collections...)
}
