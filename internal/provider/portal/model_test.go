// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func TestSpecRoundTrip(t *testing.T) {
	two := 2
	for name, spec := range map[string]stack.Spec{
		"least": {Name: "acme", Domain: "learn.acme.test", StudioDomain: "studio.learn.acme.test", OnDestroy: stack.Retain},
		"most": {
			Name: "acme", Domain: "learn.acme.test", StudioDomain: "authors.acme.test",
			Blueprint: "./stack", Images: map[string]string{"edxapp": "edxapp:1"}, Addons: []string{"compete", "glados"},
			HTTPPort: 8080, OnDestroy: stack.Delete,
			Services: map[string]stack.Tuning{
				"lms":   {Replicas: &two, Memory: 3 << 30, CPUs: 1.5, Environment: map[string]string{"A": "1", "B": ""}},
				"mysql": {Image: "mysql:8.4"},
				"redis": {},
			},
		},
		"mail": {
			Name: "acme", Domain: "learn.acme.test", StudioDomain: "studio.learn.acme.test", OnDestroy: stack.Retain,
			Mail: &stack.Mail{
				From: "noreply@acme.test",
				Relay: &stack.MailRelay{
					Host: "smtp.acme.test", Port: 2525, TLS: stack.MailImplicitTLS, CA: "PEM", Username: "acme", Password: "portal-mail-password-v3",
				},
				DKIM: &stack.DKIM{Domain: "acme.test", Selector: "portal1", Key: "portal-mail-dkim-key-v0"},
			},
		},
		"least of a relay": {
			Name: "acme", Domain: "learn.acme.test", StudioDomain: "studio.learn.acme.test", OnDestroy: stack.Retain,
			Mail: &stack.Mail{Relay: &stack.MailRelay{Host: "smtp.acme.test"}},
		},
		"mail of nothing": {
			Name: "acme", Domain: "learn.acme.test", StudioDomain: "studio.learn.acme.test", OnDestroy: stack.Retain, Mail: &stack.Mail{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			var m model
			if diags := m.setSpec(ctx, spec); diags.HasError() {
				t.Fatal(diags)
			}
			if !m.known(ctx) {
				t.Error("a model made from a spec is not known")
			}
			got, diags := m.spec(ctx)
			if diags.HasError() {
				t.Fatal(diags)
			}
			if !reflect.DeepEqual(got, spec) {
				t.Errorf("got  %+v\nwant %+v", got, spec)
			}
		})
	}
}

func TestKnown(t *testing.T) {
	ctx := context.Background()
	unknownImage := types.MapValueMust(tuningType, map[string]attr.Value{
		"lms": types.ObjectValueMust(tuningType.AttrTypes, map[string]attr.Value{
			"image": types.StringUnknown(), "replicas": types.Int64Null(), "memory": types.StringNull(),
			"cpus": types.Float64Null(), "environment": types.MapNull(types.StringType),
		}),
	})
	for name, tc := range map[string]struct {
		change func(*model)
		want   bool
	}{
		"all known":            {func(*model) {}, true},
		"unknown URL":          {func(m *model) { m.URL = types.StringUnknown() }, true},
		"unknown domain":       {func(m *model) { m.Domain = types.StringUnknown() }, false},
		"unknown services":     {func(m *model) { m.Services = types.MapUnknown(tuningType) }, false},
		"unknown within a map": {func(m *model) { m.Services = unknownImage }, false},
		"unknown within a set": {func(m *model) { m.Addons = types.SetValueMust(types.StringType, []attr.Value{types.StringUnknown()}) }, false},
		"unknown within images": {func(m *model) {
			m.Images = types.MapValueMust(types.StringType, map[string]attr.Value{"a": types.StringUnknown()})
		}, false},
		"unknown mail": {func(m *model) { m.Mail = types.ObjectUnknown(mailType.AttrTypes) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			var m model
			m.setSpec(ctx, stack.Spec{Name: "acme", Domain: "learn.acme.test"})
			tc.change(&m)
			if got := m.known(ctx); got != tc.want {
				t.Errorf("known is %t", got)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	for entrance, want := range map[stack.Front]types.String{
		{}:                         types.StringNull(),
		{HTTPS: true}:              types.StringNull(),
		{Port: 80}:                 types.StringValue("http://learn.acme.test"),
		{Port: 8080}:               types.StringValue("http://learn.acme.test:8080"),
		{HTTPS: true, Port: 443}:   types.StringValue("https://learn.acme.test"),
		{HTTPS: true, Port: 80}:    types.StringValue("https://learn.acme.test:80"),
		{HTTPS: true, Port: 10443}: types.StringValue("https://learn.acme.test:10443"),
	} {
		if got := address("learn.acme.test", entrance); !got.Equal(want) {
			t.Errorf("%+v: %s instead of %s", entrance, got, want)
		}
	}
}

func TestAttributePath(t *testing.T) {
	services := path.Root("services")
	for name, want := range map[string]path.Path{
		"domain":                            path.Root("domain"),
		"images":                            path.Root("images"),
		"images.edxapp":                     path.Root("images").AtMapKey("edxapp"),
		"images.team.app":                   path.Root("images").AtMapKey("team.app"),
		"addons.glados":                     path.Root("addons"),
		"tls.mode":                          path.Root("tls").AtName("mode"),
		"tls.acme.directory":                path.Root("tls").AtName("acme").AtName("directory"),
		"tls.certificates":                  path.Root("tls").AtName("certificates"),
		"tls.certificates.main.certificate": path.Root("tls").AtName("certificates").AtMapKey("main").AtName("certificate"),
		"services.lms":                      services.AtMapKey("lms"),
		"services.my.lms":                   services.AtMapKey("my.lms"),
		"services.lms.memory":               services.AtMapKey("lms").AtName("memory"),
		"services.my.lms.replicas":          services.AtMapKey("my.lms").AtName("replicas"),
		"services.lms.environment":          services.AtMapKey("lms").AtName("environment"),
		"services.lms.environment.LANG":     services.AtMapKey("lms").AtName("environment").AtMapKey("LANG"),
	} {
		if got := attributePath(name); !got.Equal(want) {
			t.Errorf("%q gives %s instead of %s", name, got, want)
		}
	}
}
