// SPDX-License-Identifier: MPL-2.0

package override

import (
	"context"
	"math/big"
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

var ctx = context.Background()

func number(t *testing.T, text string) overrides.Number {
	t.Helper()
	n, err := overrides.ParseNumber(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// float is a number as Terraform reads it from a configuration.
func float(t *testing.T, text string) types.Number {
	t.Helper()
	f, _, err := big.ParseFloat(text, 10, 512, big.ToNearestEven)
	if err != nil {
		t.Fatal(err)
	}
	return types.NumberValue(f)
}

func obj(fields map[string]attr.Value) attr.Value { return object(ctx, fields) }

func tup(items ...attr.Value) attr.Value { return tuple(ctx, items) }

func texts(items ...string) types.List {
	values := make([]attr.Value, len(items))
	for i, item := range items {
		values[i] = types.StringValue(item)
	}
	return types.ListValueMust(types.StringType, values)
}

func textMap(fields map[string]string) types.Map {
	values := map[string]attr.Value{}
	for key, field := range fields {
		values[key] = types.StringValue(field)
	}
	return types.MapValueMust(types.StringType, values)
}

func TestDecode(t *testing.T) {
	for name, tc := range map[string]struct {
		in   attr.Value
		want any
	}{
		"string":                  {types.StringValue("yes"), "yes"},
		"bool":                    {types.BoolValue(false), false},
		"whole number":            {float(t, "1000"), number(t, "1000")},
		"the same in another way": {float(t, "1e3"), number(t, "1000")},
		"fraction":                {float(t, "0.1"), number(t, "0.1")},
		"many digits":             {float(t, "12345678901234567890"), number(t, "12345678901234567890")},
		"untyped null":            {types.DynamicNull(), nil},
		"typed null":              {types.StringNull(), nil},
		"a null in a dynamic":     {types.DynamicValue(types.StringNull()), nil},
		"unknown":                 {types.DynamicUnknown(), unknown{open: true}},
		"unknown map":             {types.MapUnknown(types.StringType), unknown{open: true}},
		"unknown text":            {types.StringUnknown(), unknown{}},
		"unknown list":            {types.ListUnknown(types.StringType), unknown{}},
		"map":                     {textMap(map[string]string{"a": "1"}), map[string]any{"a": "1"}},
		"no map":                  {textMap(nil), map[string]any{}},
		"list":                    {texts("b", "a"), []any{"b", "a"}},
		"tuple":                   {tup(types.BoolValue(true), types.StringValue("x")), []any{true, "x"}},
		"set":                     {types.SetValueMust(types.StringType, []attr.Value{types.StringValue("x")}), []any{"x"}},
		"nested": {
			types.DynamicValue(obj(map[string]attr.Value{
				"A": types.DynamicNull(),
				"B": obj(map[string]attr.Value{"c": tup(obj(map[string]attr.Value{"d": types.StringUnknown()}))}),
			})),
			map[string]any{"A": nil, "B": map[string]any{"c": []any{map[string]any{"d": unknown{}}}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decode(tc.in)
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %#v, %v instead of %#v", got, err, tc.want)
			}
		})
	}
}

// What is encoded is decoded to the same, and can be sent to Terraform.
func TestEncode(t *testing.T) {
	for name, value := range map[string]any{
		"null": nil, "bool": true, "text": "{{ EDXAPP_LMS_BASE }}", "number": number(t, "-2.5"),
		"no map": map[string]any{}, "no list": []any{},
		"nested": map[string]any{
			"A": nil, "B": []any{nil, "x", number(t, "3"), []any{}, map[string]any{"c": nil}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			encoded := encode(ctx, value)
			if got, err := decode(encoded); err != nil || !overrides.Equal(got, value) {
				t.Errorf("comes back as %#v, %v", got, err)
			}
			dynamic := types.DynamicValue(encoded)
			sent, err := dynamic.ToTerraformValue(ctx)
			if err != nil {
				t.Fatal(err)
			}
			back, err := types.DynamicType.ValueFromTerraform(ctx, sent)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := decode(back); err != nil || !overrides.Equal(got, value) {
				t.Errorf("comes back from Terraform as %#v, %v", got, err)
			}
		})
	}
}

// What is equal keeps its type; what is not changes alone.
func TestFound(t *testing.T) {
	type m = map[string]any
	type fields = map[string]attr.Value
	for name, tc := range map[string]struct {
		state attr.Value
		now   any
		want  attr.Value
	}{
		"equal, in a map":       {textMap(map[string]string{"A": "x"}), m{"A": "x"}, textMap(map[string]string{"A": "x"})},
		"equal, in a list":      {texts("x", "y"), []any{"x", "y"}, texts("x", "y")},
		"equal, another number": {float(t, "1e3"), number(t, "1000"), float(t, "1000")},
		"equal, a typed null":   {obj(fields{"A": types.StringNull()}), m{"A": nil}, obj(fields{"A": types.StringNull()})},
		"a map of texts with another text": {
			textMap(map[string]string{"A": "x", "B": "y"}),
			m{"A": "x", "B": "z"},
			textMap(map[string]string{"A": "x", "B": "z"}),
		},
		"a map of texts with a number": {
			textMap(map[string]string{"A": "x", "B": "1"}),
			m{"A": "x", "B": number(t, "1")},
			obj(fields{"A": types.StringValue("x"), "B": float(t, "1")}),
		},
		"a map of texts with less": {
			textMap(map[string]string{"A": "x", "B": "y"}),
			m{"A": "x"},
			textMap(map[string]string{"A": "x"}),
		},
		"a leaf gone": {
			obj(fields{"A": types.StringValue("x"), "F": obj(fields{"a": types.BoolValue(true), "b": types.BoolValue(true)})}),
			m{"A": "x", "F": m{"b": true}},
			obj(fields{"A": types.StringValue("x"), "F": obj(fields{"b": types.BoolValue(true)})}),
		},
		"a map gone with its last leaf": {
			obj(fields{"A": types.StringValue("x"), "F": obj(fields{"a": types.BoolValue(true)})}),
			m{"A": "x"},
			obj(fields{"A": types.StringValue("x")}),
		},
		"everything gone": {obj(fields{"A": types.StringValue("x")}), m{}, obj(fields{})},
		"another leaf in one map leaves its neighbours' types": {
			obj(fields{"L": texts("x"), "A": types.BoolValue(true)}),
			m{"L": []any{"x"}, "A": "on"},
			obj(fields{"L": texts("x"), "A": types.StringValue("on")}),
		},
		"a longer list":            {texts("x"), []any{"x", "y"}, texts("x", "y")},
		"a list with another type": {texts("x"), []any{"x", true}, tup(types.StringValue("x"), types.BoolValue(true))},
		"a list became a text":     {texts("x"), "x", types.StringValue("x")},
		"a text became a map":      {types.StringValue("x"), m{"y": true}, obj(fields{"y": types.BoolValue(true)})},
		"another order of what was a set": {
			types.SetValueMust(types.StringType, []attr.Value{types.StringValue("x"), types.StringValue("y")}),
			[]any{"y", "x"},
			tup(types.StringValue("y"), types.StringValue("x")),
		},
		"nothing known before": {nil, m{"A": nil}, obj(fields{"A": types.DynamicNull()})},
	} {
		t.Run(name, func(t *testing.T) {
			if got := found(ctx, tc.state, tc.now); !got.Equal(tc.want) {
				t.Errorf("got %s %s instead of %s %s", got.Type(ctx), got, tc.want.Type(ctx), tc.want)
			}
		})
	}
}
