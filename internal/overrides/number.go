// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// Number is a number as canonical decimal text, so that equal numbers are equal
// strings. Whole numbers are exact and have neither point nor exponent. Others
// are what a double holds, as that is what Python makes of them, in the
// shortest digits that mean it: 0.1, 1.5e-07.
type Number string

const (
	// maxDigits is how many digits Python accepts in a whole number.
	maxDigits = 4300
	// maxWhole is the size in bits of the largest whole number that a double
	// can be near.
	maxWhole = 1024
	// precision of the numbers that Terraform computes with, in bits.
	precision = 512
)

var decimal = regexp.MustCompile(`^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$`)

// ParseNumber reads a decimal number, with or without point and exponent.
func ParseNumber(text string) (Number, error) {
	if !decimal.MatchString(text) {
		return "", fmt.Errorf("%q is no decimal number", text)
	}
	if !strings.ContainsAny(text, ".eE") {
		return parseWhole(text, 10)
	}
	f, _, err := big.ParseFloat(text, 10, precision, big.ToNearestEven)
	if err != nil {
		return "", fmt.Errorf("%q is no decimal number: %w", text, err)
	}
	return NumberFromBigFloat(f)
}

// parseWhole reads the digits of a whole number.
func parseWhole(digits string, base int) (Number, error) {
	if len(digits) > maxDigits {
		return "", fmt.Errorf("a number of %d digits is too long: %d are allowed", len(digits), maxDigits)
	}
	i, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return "", fmt.Errorf("%q is no whole number", digits)
	}
	return Number(i.String()), nil
}

// NumberFromBigFloat is the number that Ansible reads where f is written. A
// number that no double is near is an error.
func NumberFromBigFloat(f *big.Float) (Number, error) {
	// The text of a number with a huge exponent would take minutes.
	switch exponent := f.MantExp(nil); {
	case f.IsInf() || exponent > maxWhole:
		return "", errors.New("a number beyond 1.7e308 is too large: write it as a string")
	case f.Sign() == 0:
		return "0", nil
	case f.IsInt() && exponent <= precision:
		return Number(f.Text('f', 0)), nil
	case f.IsInt():
		return Number(f.Text('f', -1)), nil // further digits are not known
	}
	double, _ := f.Float64()
	if double == 0 {
		return "", errors.New("a number that is not 0 and smaller than 5e-324 is too small: write it as a string")
	}
	return numberFromDouble(double), nil
}

// numberFromDouble is the number of a finite double.
func numberFromDouble(double float64) Number {
	switch {
	case double == 0:
		return "0" // also of -0
	case double == math.Trunc(double):
		return Number(strconv.FormatFloat(double, 'f', -1, 64))
	case math.Abs(double) < 1e-4:
		return Number(strconv.FormatFloat(double, 'e', -1, 64))
	}
	return Number(strconv.FormatFloat(double, 'f', -1, 64))
}

// BigFloat is the number with Terraform's precision.
func (n Number) BigFloat() *big.Float {
	f, _, err := big.ParseFloat(string(n), 10, precision, big.ToNearestEven)
	if err != nil {
		return new(big.Float).SetPrec(precision) // only of a Number that was not made here
	}
	return f
}

// whole tells whether Python reads the number as an int.
func (n Number) whole() bool { return !strings.ContainsAny(string(n), ".e") }
