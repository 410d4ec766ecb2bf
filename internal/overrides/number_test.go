// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseNumber(t *testing.T) {
	for text, want := range map[string]Number{
		"0": "0", "-0": "0", "+7": "7", "007": "7", "-12": "-12", "1.0": "1", "1e3": "1000", "1.50": "1.5", ".5": "0.5", "5.": "5", "-0.0": "0", "0e5": "0",
		"0.1": "0.1", "0.10000000000000000001": "0.1", "1e-7": "1e-07", "0.0001": "0.0001", "0.00001": "1e-05", "123456789012345678901234567890": "123456789012345678901234567890",
		"1e22": "10000000000000000000000", "1e300": Number("1" + strings.Repeat("0", 300)), "9007199254740993.0": "9007199254740993", "1000000000000000.0000001": "1000000000000000",
		"0.333333333333333333333333333333333333": "0.3333333333333333",
	} {
		if got, err := ParseNumber(text); err != nil || got != want {
			t.Errorf("%s is %s instead of %s: %v", text, got, want, err)
		}
	}
	for _, text := range []string{"", "x", "0x1", "1_0", "1e", "inf", "NaN", ".", "1 ", "1e400", "-1e99999999", "1e-400", strings.Repeat("9", maxDigits+1)} {
		if got, err := ParseNumber(text); err == nil {
			t.Errorf("%.20s is %s", text, got)
		}
	}
}

func TestNumberFromBigFloat(t *testing.T) {
	third := new(big.Float).SetPrec(512).Quo(big.NewFloat(1), big.NewFloat(3))
	for want, f := range map[Number]*big.Float{
		"0.3333333333333333":     third,
		"0.1":                    big.NewFloat(0.1),
		"1180591620717411303424": new(big.Float).SetMantExp(big.NewFloat(1), 70),
		"0":                      new(big.Float).Neg(new(big.Float)),
		"-5":                     big.NewFloat(-5),
	} {
		if got, err := NumberFromBigFloat(f); err != nil || got != want {
			t.Errorf("%s is %s instead of %s: %v", f.Text('g', 20), got, want, err)
		}
	}
	for _, f := range []*big.Float{new(big.Float).SetInf(false), new(big.Float).SetMantExp(big.NewFloat(1), 5000), new(big.Float).SetMantExp(big.NewFloat(1), -5000)} {
		if got, err := NumberFromBigFloat(f); err == nil {
			t.Errorf("2^%d is %s", f.MantExp(nil), got)
		}
	}
}

// TestNumbersAreCanonical: what a number gives is that number again, and
// doubles are exact.
func TestNumbersAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		double := rapid.Float64().Draw(t, "double")
		n, err := NumberFromBigFloat(big.NewFloat(double))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseNumber(string(n)); err != nil || again != n {
			t.Fatalf("%s is read as %s: %v", n, again, err)
		}
		if again, err := NumberFromBigFloat(n.BigFloat()); err != nil || again != n {
			t.Fatalf("%s comes back as %s: %v", n, again, err)
		}
		if back, _ := n.BigFloat().Float64(); back != double && math.Abs(double) < 1<<53 {
			t.Fatalf("%v became %s", double, n)
		}
	})
}
