// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// kind is the type of a scalar in Python.
type kind string

const (
	kindNull   kind = "null"
	kindBool   kind = "bool"
	kindInt    kind = "int"
	kindFloat  kind = "float"
	kindDate   kind = "date"
	kindString kind = "str"
	kindMerge  kind = "merge" // of the key <<
)

// scalar is a scalar as Ansible reads it: its type, a tag of the file's own,
// and its value in canonical text.
type scalar struct {
	kind kind
	tag  string
	text string
}

func stringScalar(text string) scalar { return scalar{kind: kindString, text: text} }

// value is the scalar for Terraform. Dates are strings in ISO 8601, as in the
// JSON that Ansible makes of them; infinity and NaN, which Terraform does not
// have, are the strings .inf, -.inf and .nan.
func (s scalar) value() any {
	switch s.kind {
	case kindNull:
		return nil
	case kindBool:
		return s.text == "true"
	case kindInt, kindFloat:
		if !strings.HasSuffix(s.text, ".inf") && s.text != ".nan" {
			return Number(s.text)
		}
	}
	return s.text
}

// name is the scalar as a key in JSON.
func (s scalar) name() string {
	if s.kind == kindNull {
		return "null"
	}
	return s.text
}

// asKey is the scalar as Python compares it with other keys: yes, 1 and 1.0 are
// one.
func (s scalar) asKey() scalar {
	switch {
	case s.kind == kindBool && s.text == "true":
		return scalar{kind: kindInt, text: "1"}
	case s.kind == kindBool:
		return scalar{kind: kindInt, text: "0"}
	case s.kind == kindFloat:
		return scalar{kind: kindInt, text: s.text}
	}
	return scalar{kind: s.kind, text: s.text}
}

// Types of plain scalars in YAML 1.1 as PyYAML tells them.
var (
	yamlBool = map[string]bool{
		"yes": true, "Yes": true, "YES": true, "no": false, "No": false, "NO": false,
		"true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false,
		"on": true, "On": true, "ON": true, "off": false, "Off": false, "OFF": false,
	}
	yamlNull  = map[string]bool{"": true, "~": true, "null": true, "Null": true, "NULL": true}
	yamlFloat = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	yamlInt   = regexp.MustCompile(`^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
)

// plainScalar is what PyYAML makes of a scalar without quotes and tag. What
// looks like a number or a date and is none stays a string here; Ansible
// refuses a file with it.
func plainScalar(text string) scalar {
	if value, ok := yamlBool[text]; ok {
		return scalar{kind: kindBool, text: strconv.FormatBool(value)}
	}
	if yamlNull[text] {
		return scalar{kind: kindNull}
	}
	if !strings.Contains("+-.0123456789", text[:1]) {
		return stringScalar(text)
	}
	if yamlFloat.MatchString(text) {
		if s, ok := floatScalar(text); ok {
			return s
		}
	}
	if yamlInt.MatchString(text) {
		if s, ok := intScalar(text); ok {
			return s
		}
	}
	if iso, ok := isoDate(text); ok {
		return scalar{kind: kindDate, text: iso}
	}
	return stringScalar(text)
}

func intScalar(text string) (scalar, bool) {
	digits := strings.ReplaceAll(text, "_", "")
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign = "-"
	}
	digits = strings.TrimLeft(digits, "+-")
	var n Number
	var err error
	switch {
	case strings.HasPrefix(digits, "0b"):
		n, err = parseWhole(sign+digits[2:], 2)
	case strings.HasPrefix(digits, "0x"):
		n, err = parseWhole(sign+digits[2:], 16)
	case strings.HasPrefix(digits, "0"):
		n, err = parseWhole(sign+digits, 8)
	case strings.Contains(digits, ":"):
		if len(digits) > maxDigits {
			return scalar{}, false
		}
		n = Number(sign + sexagesimal(digits).String())
	default:
		n, err = parseWhole(sign+digits, 10)
	}
	return scalar{kind: kindInt, text: string(n)}, err == nil
}

// sexagesimal reads 1:30:00 as a number to the base of 60.
func sexagesimal(text string) *big.Int {
	sum, sixty := new(big.Int), big.NewInt(60)
	for part := range strings.SplitSeq(text, ":") {
		digit, ok := new(big.Int).SetString(part, 10)
		if !ok {
			return new(big.Int) // digits only came here
		}
		sum.Add(sum.Mul(sum, sixty), digit)
	}
	return sum
}

func floatScalar(text string) (scalar, bool) {
	text = strings.ToLower(strings.ReplaceAll(text, "_", ""))
	sign := 1.0
	if strings.HasPrefix(text, "-") {
		sign = -1
	}
	text = strings.TrimLeft(text, "+-")
	double := 0.0
	switch text {
	case ".inf":
		double = math.Inf(1)
	case ".nan":
		double = math.NaN()
	default:
		// Added up from the right, in doubles, as PyYAML does.
		parts := strings.Split(text, ":")
		base := 1.0
		for i := len(parts) - 1; i >= 0; i-- {
			part, err := strconv.ParseFloat(parts[i], 64)
			if err != nil && !math.IsInf(part, 0) {
				return scalar{}, false
			}
			double += part * base
			base *= 60
		}
	}
	return scalar{kind: kindFloat, text: doubleText(sign * double)}, true
}

func doubleText(double float64) string {
	switch {
	case math.IsNaN(double):
		return ".nan"
	case math.IsInf(double, 1):
		return ".inf"
	case math.IsInf(double, -1):
		return "-.inf"
	}
	return string(numberFromDouble(double))
}

// jsonScalar is what Python's JSON parser makes of a scalar.
func jsonScalar(source []byte) scalar {
	var text string
	if json.Unmarshal(source, &text) == nil && string(source) != "null" {
		return stringScalar(text)
	}
	if s := string(source); strings.ContainsAny(s, "eE") && decimal.MatchString(s) {
		double, _ := strconv.ParseFloat(s, 64) // infinity where it is too large
		return scalar{kind: kindFloat, text: doubleText(double)}
	}
	return plainScalar(string(source))
}

// taggedScalar is what Ansible makes of a scalar with a tag. Tags that neither
// PyYAML nor Ansible have keep their text.
func taggedScalar(tag, text string) scalar {
	s, ok := scalar{}, false
	switch tag {
	case "", "!", "!!str":
		return stringScalar(text)
	case "!!null":
		return scalar{kind: kindNull}
	case "!!bool":
		var value bool
		value, ok = yamlBool[strings.ToLower(text)]
		s = scalar{kind: kindBool, text: strconv.FormatBool(value)}
	case "!!int":
		if yamlInt.MatchString(text) {
			s, ok = intScalar(text)
		}
	case "!!float":
		if yamlFloat.MatchString(text) || decimal.MatchString(text) {
			s, ok = floatScalar(text)
		}
	case "!!timestamp":
		s.kind = kindDate
		s.text, ok = isoDate(text)
	}
	if !ok {
		s = scalar{kind: kindString, tag: tag, text: text}
	}
	return s
}

// scalarOf reads a scalar of the document.
func (d *Document) scalarOf(n *node) scalar {
	text := n.yaml.Value
	switch {
	case d.json:
		return jsonScalar(d.text[n.body:n.end])
	case n.yaml.Style&yaml.TaggedStyle != 0:
		return taggedScalar(n.yaml.Tag, text)
	case n.yaml.Style != 0 && !d.untyped(n):
		return stringScalar(text)
	}
	return plainScalar(text)
}

// untyped tells whether a node has the tag !, with which libyaml, and so
// Ansible, takes even a quoted scalar for a plain one. The library here does not
// report it.
func (d *Document) untyped(n *node) bool {
	for i := n.start; i < n.properties; i = d.skipSpace(d.word(i + 1)) {
		if d.at(i, '!') && d.blankOrEnd(i+1) {
			return true
		}
	}
	return false
}
