// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"context"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// keepRules are the rules of the attribute keep, with the variables that the
// backup task has them in.
var keepRules = map[string]string{
	"last":    "BACKUP_KEEP_LAST",
	"daily":   "BACKUP_KEEP_DAILY",
	"weekly":  "BACKUP_KEEP_WEEKLY",
	"monthly": "BACKUP_KEEP_MONTHLY",
	"yearly":  "BACKUP_KEEP_YEARLY",
}

var keepType = func() types.ObjectType {
	t := types.ObjectType{AttrTypes: map[string]attr.Type{}}
	for rule := range keepRules {
		t.AttrTypes[rule] = types.Int64Type
	}
	return t
}()

// defaultKeep is the default of the attribute keep.
var defaultKeep = keepValue(map[string]int64{"daily": 7, "weekly": 4, "monthly": 12})

// keepValue is the attribute keep; a rule of nothing is null.
func keepValue(rules map[string]int64) types.Object {
	values := make(map[string]attr.Value, len(keepRules))
	for rule := range keepRules {
		values[rule] = types.Int64Null()
		if n := rules[rule]; n > 0 {
			values[rule] = types.Int64Value(n)
		}
	}
	return types.ObjectValueMust(keepType.AttrTypes, values)
}

// keepEnvironment puts the rules into the task's variables. All are set: what
// is left out must not be the blueprint's.
func keepEnvironment(keep types.Object, environment map[string]string) {
	for rule, variable := range keepRules {
		environment[variable] = ""
		if n, ok := keep.Attributes()[rule].(types.Int64); ok && n.ValueInt64() > 0 {
			environment[variable] = strconv.FormatInt(n.ValueInt64(), 10)
		}
	}
}

// keepFrom reads what keepEnvironment wrote.
func keepFrom(environment map[string]string) types.Object {
	rules := make(map[string]int64, len(keepRules))
	for rule, variable := range keepRules {
		if n, err := strconv.ParseInt(environment[variable], 10, 64); err == nil {
			rules[rule] = n
		}
	}
	return keepValue(rules)
}

// keepsSome checks that there is a rule: without any, no snapshot would ever be
// removed.
type keepsSome struct{}

const keepsSomeDescription = "at least one rule that keeps something"

func (keepsSome) Description(context.Context) string         { return keepsSomeDescription }
func (keepsSome) MarkdownDescription(context.Context) string { return keepsSomeDescription }

// ValidateObject finds a keep without a rule. A rule that is not known yet may
// be one.
func (keepsSome) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	for _, value := range req.ConfigValue.Attributes() {
		if n, ok := value.(types.Int64); ok && (n.IsUnknown() || n.ValueInt64() > 0) {
			return
		}
	}
	resp.Diagnostics.AddAttributeError(req.Path, "Invalid value for keep",
		"keep has no rule that keeps anything. Give at least one of last, daily, weekly, monthly and yearly, for example keep = { daily = 7 }, or leave keep out for 7 days, 4 weeks and 12 months.")
}
