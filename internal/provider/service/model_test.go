// SPDX-License-Identifier: MPL-2.0

package service

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

var noSecrets = types.MapNull(types.StringType)

func TestMemberRoundTrip(t *testing.T) {
	ctx := context.Background()
	for name, want := range map[string]stack.Member{
		"least": {Kind: stack.MemberService, Name: "chat", Image: "chat:1", Replicas: 1},
		"most": {
			Kind: stack.MemberService, Name: "chat", Image: "chat:1", Command: []string{"serve"}, Replicas: 3,
			Healthcheck: &stack.Healthcheck{
				Test: []string{"CMD", "true"}, Interval: 5 * time.Second, Timeout: time.Second, StartPeriod: time.Minute, Retries: 2,
			},
			Routes: []stack.Route{
				{Host: "chat.acme.test", Path: "/", Port: 8080}, {Host: "learn.acme.test", Path: "/chat", Port: 8081, MaxBody: 10 << 20},
			},
			DependsOn: []string{"db", "web"}, Update: stack.StopFirst, RestartOn: []string{stack.RestartOnOverrides},
			StopGrace: 90 * time.Second, ReadOnly: true,
		},
		"a health check's test alone": {
			Kind: stack.MemberService, Name: "chat", Image: "chat:1", Replicas: 1,
			Healthcheck: &stack.Healthcheck{Test: []string{"NONE"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var m model
			if diags := m.setMember(ctx, "acme", want); diags.HasError() {
				t.Fatal(diags)
			}
			if !m.known(ctx, noSecrets) {
				t.Error("a model made from a member is not known")
			}
			got, diags := m.domain(ctx, noSecrets)
			if diags.HasError() {
				t.Fatal(diags)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestKnown(t *testing.T) {
	ctx := context.Background()
	half := types.MapValueMust(types.StringType, map[string]attr.Value{"/run/key": types.StringUnknown()})
	for name, tc := range map[string]struct {
		change  func(*model)
		secrets types.Map
		want    bool
	}{
		"all known":                   {func(*model) {}, noSecrets, true},
		"unknown digest":              {func(m *model) { m.Digest = types.StringUnknown() }, noSecrets, true},
		"unknown content of a secret": {func(*model) {}, half, true},
		"unknown secrets":             {func(*model) {}, types.MapUnknown(types.StringType), false},
		"unknown portal":              {func(m *model) { m.Portal = types.StringUnknown() }, noSecrets, false},
		"unknown image":               {func(m *model) { m.Image = types.StringUnknown() }, noSecrets, false},
		"unknown version":             {func(m *model) { m.SecretFilesWOVersion = types.Int64Unknown() }, noSecrets, false},
		"unknown host of a route": {func(m *model) {
			m.Routes = types.ListValueMust(routeType, []attr.Value{types.ObjectValueMust(routeType.AttrTypes, map[string]attr.Value{
				"host": types.StringUnknown(), "path": types.StringValue("/"), "port": types.Int64Value(80), "max_body": types.StringNull(),
			})})
		}, noSecrets, false},
	} {
		t.Run(name, func(t *testing.T) {
			var m model
			m.setMember(ctx, "acme", stack.Member{Name: "chat", Image: "chat:1"})
			tc.change(&m)
			if got := m.known(ctx, tc.secrets); got != tc.want {
				t.Errorf("known is %t", got)
			}
		})
	}
}
