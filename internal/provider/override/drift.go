// SPDX-License-Identifier: MPL-2.0

package override

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

// found is what the file holds now, in the types that the state has it in as
// far as they fit: what is equal stays as it is, so that a plan shows the
// leaves that changed and nothing else.
func found(ctx context.Context, state attr.Value, now any) attr.Value {
	if dynamic, ok := state.(types.Dynamic); ok {
		state = dynamic.UnderlyingValue()
	}
	if state == nil {
		return encode(ctx, now)
	}
	if before, err := decode(state); err == nil && overrides.Equal(before, now) {
		return state
	}
	switch now := now.(type) {
	case map[string]any:
		return foundMap(ctx, state, now)
	case []any:
		return foundList(ctx, state, now)
	}
	return encode(ctx, now)
}

// foundMap is a map if it was one and the elements are still of one type.
func foundMap(ctx context.Context, state attr.Value, now map[string]any) attr.Value {
	before := fields(state)
	after := make(map[string]attr.Value, len(now))
	for key := range now {
		after[key] = found(ctx, before[key], now[key])
	}
	if was, ok := state.(types.Map); ok {
		if value, diags := types.MapValue(was.ElementType(ctx), after); !diags.HasError() {
			return value
		}
	}
	return object(ctx, after)
}

// foundList is a list if it was one and the elements are still of one type. A
// set has no order to compare by, and becomes a tuple.
func foundList(ctx context.Context, state attr.Value, now []any) attr.Value {
	before, _ := items(state)
	after := make([]attr.Value, len(now))
	for i := range now {
		var was attr.Value
		if i < len(before) {
			was = before[i]
		}
		after[i] = found(ctx, was, now[i])
	}
	if was, ok := state.(types.List); ok {
		if value, diags := types.ListValue(was.ElementType(ctx), after); !diags.HasError() {
			return value
		}
	}
	return tuple(ctx, after)
}
