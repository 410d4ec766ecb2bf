// SPDX-License-Identifier: MPL-2.0

package override

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

// unknown stands among decoded values for one that becomes known only after
// apply.
type unknown struct {
	// open tells that it may turn out to be a map.
	open bool
}

// decode turns a value of Terraform's into one of the overrides file. Objects
// and maps are one there, and so are lists, tuples and sets.
func decode(value attr.Value) (any, error) {
	if dynamic, ok := value.(types.Dynamic); ok {
		switch {
		case dynamic.IsNull():
			return nil, nil
		case dynamic.IsUnknown():
			return unknown{open: true}, nil
		}
		return decode(dynamic.UnderlyingValue())
	}
	switch {
	case value.IsNull():
		return nil, nil
	case value.IsUnknown():
		return unknown{open: isMap(value)}, nil
	}
	switch v := value.(type) {
	case types.String:
		return v.ValueString(), nil
	case types.Bool:
		return v.ValueBool(), nil
	case types.Number:
		return decodeNumber(v)
	}
	if isMap(value) {
		return decodeMap(fields(value))
	}
	items, ok := items(value)
	if !ok {
		return nil, fmt.Errorf("a value of type %T cannot be written to the overrides file", value)
	}
	return decodeList(items)
}

// decodeNumber says nothing of the number in its error: it may be secret.
func decodeNumber(value types.Number) (any, error) {
	n, err := overrides.NumberFromBigFloat(value.ValueBigFloat())
	if err != nil {
		return nil, errors.New("the number is too large or too small, write it as a string")
	}
	return n, nil
}

func decodeMap(fields map[string]attr.Value) (any, error) {
	decoded := make(map[string]any, len(fields))
	for key, field := range fields {
		value, err := decode(field)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", overrides.Path{key}, err)
		}
		decoded[key] = value
	}
	return decoded, nil
}

func decodeList(items []attr.Value) (any, error) {
	decoded := make([]any, len(items))
	for i, item := range items {
		value, err := decode(item)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		decoded[i] = value
	}
	return decoded, nil
}

// decodeTop decodes what holds variables by name. Null is none.
func decodeTop(value types.Dynamic) (map[string]any, error) {
	decoded, err := decode(value)
	if decoded == nil || err != nil {
		return nil, err
	}
	variables, ok := decoded.(map[string]any)
	if !ok {
		return nil, errors.New("write an object, with the names of variables as its keys")
	}
	return variables, nil
}

func isMap(value attr.Value) bool {
	switch value.(type) {
	case types.Object, types.Map:
		return true
	}
	return false
}

// fields are the elements of an object or a map, nil for anything else.
func fields(value attr.Value) map[string]attr.Value {
	switch v := value.(type) {
	case types.Object:
		return v.Attributes()
	case types.Map:
		return v.Elements()
	}
	return nil
}

// items are the elements of a list, a tuple or a set. It is false for anything
// else.
func items(value attr.Value) ([]attr.Value, bool) {
	switch v := value.(type) {
	case types.List:
		return v.Elements(), true
	case types.Tuple:
		return v.Elements(), true
	case types.Set:
		return v.Elements(), true
	}
	return nil, false
}

// encode turns a value of the overrides file into the one that Terraform makes
// of the same literal.
func encode(ctx context.Context, value any) attr.Value {
	switch v := value.(type) {
	case bool:
		return types.BoolValue(v)
	case string:
		return types.StringValue(v)
	case overrides.Number:
		return types.NumberValue(v.BigFloat())
	case []any:
		items := make([]attr.Value, len(v))
		for i := range v {
			items[i] = encode(ctx, v[i])
		}
		return tuple(ctx, items)
	case map[string]any:
		fields := make(map[string]attr.Value, len(v))
		for key := range v {
			fields[key] = encode(ctx, v[key])
		}
		return object(ctx, fields)
	default:
		return types.DynamicNull()
	}
}

func tuple(ctx context.Context, items []attr.Value) attr.Value {
	kinds := make([]attr.Type, len(items))
	for i, item := range items {
		kinds[i] = item.Type(ctx)
	}
	return types.TupleValueMust(kinds, items)
}

func object(ctx context.Context, fields map[string]attr.Value) attr.Value {
	kinds := make(map[string]attr.Type, len(fields))
	for key, field := range fields {
		kinds[key] = field.Type(ctx)
	}
	return types.ObjectValueMust(kinds, fields)
}
