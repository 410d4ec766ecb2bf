// SPDX-License-Identifier: MPL-2.0

package member

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// texts is a map of strings.
func texts(pairs ...string) types.Map {
	values := map[string]attr.Value{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = types.StringValue(pairs[i+1])
	}
	return types.MapValueMust(types.StringType, values)
}

func TestContainerRoundTrip(t *testing.T) {
	ctx := context.Background()
	for name, want := range map[string]stack.Member{
		"least": {Kind: stack.MemberService, Name: "chat", Image: "chat:1"},
		"most": {
			Kind: stack.MemberService, Name: "chat", Image: "chat:1", Entrypoint: []string{"/bin/sh", "-c"}, Command: []string{"chat", ""},
			Environment: map[string]string{"A": "1", "B": ""}, User: "1000:33", WorkingDir: "/srv",
			Volumes:      map[string]stack.MemberVolume{"/data": {Name: "chat"}, "/media": {Name: "media", ReadOnly: true}},
			SecretFiles:  map[string]string{"/run/dsn": `mysql://chat:[[ secret "chat-db" ]]@mysql`},
			Resources:    stack.Resources{Memory: 1536 << 20, CPUs: 0.5},
			GivenSecrets: map[string]string{"/run/key": "service-chat-6d2e7e3e-v4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var c Container
			if diags := c.SetFrom(ctx, want); diags.HasError() {
				t.Fatal(diags)
			}
			if !c.Known(ctx) {
				t.Error("what was made from a member is not known")
			}
			got := stack.Member{Kind: want.Kind, Name: want.Name}
			if diags := c.AddTo(ctx, &got); diags.HasError() {
				t.Fatal(diags)
			}
			if want.GivenSecrets != nil {
				if c.SecretFilesWOVersion.ValueInt64() != 4 {
					t.Errorf("the version is %s", c.SecretFilesWOVersion)
				}
				got.GivenSecrets = want.GivenSecrets
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestGivenSecrets(t *testing.T) {
	given := func(kind stack.MemberKind, version int64, targets types.Map) map[string]string {
		m := stack.Member{Kind: kind, Name: "chat"}
		Container{SecretFilesWOVersion: types.Int64Value(version)}.AddGiven(&m, targets)
		return m.GivenSecrets
	}
	two := texts("/run/key", "s3cret", "/run/cert", "public")
	names := given(stack.MemberService, 1, two)
	seen := map[string]bool{}
	for _, others := range []map[string]string{names, given(stack.MemberService, 2, two), given(stack.MemberTask, 1, two)} {
		for target, name := range others {
			if seen[name] {
				t.Errorf("%s of %s is another's file as well", name, target)
			}
			seen[name] = true
			if strings.ContainsAny(name, "/") || len(name) > 128 {
				t.Errorf("%q is no name of a file", name)
			}
		}
	}
	if !reflect.DeepEqual(given(stack.MemberService, 1, two), names) {
		t.Error("the names are others each time")
	}
	if got := VersionOf(names["/run/key"]); got.ValueInt64() != 1 {
		t.Errorf("the version is read as %s", got)
	}
	if !VersionOf().IsNull() || !VersionOf("chat").IsNull() {
		t.Error("a version is read where there is none")
	}
	unknown := types.MapValueMust(types.StringType, map[string]attr.Value{"/run/key": types.StringUnknown()})
	if got := given(stack.MemberService, 1, unknown); len(got) != 1 || got["/run/key"] != names["/run/key"] {
		t.Errorf("with an unknown content: %v", got)
	}

	contents, diags := Contents(stack.Member{GivenSecrets: names}, two)
	want := map[string]string{names["/run/key"]: "s3cret", names["/run/cert"]: "public"}
	if diags.HasError() || !reflect.DeepEqual(contents, want) {
		t.Errorf("got %v, %v instead of %v", contents, diags, want)
	}
	null := types.MapValueMust(types.StringType, map[string]attr.Value{"/run/key": types.StringNull()})
	if _, diags := Contents(stack.Member{GivenSecrets: names}, null); !diags.HasError() {
		t.Error("a null content was taken")
	}
}

func TestCheckMounts(t *testing.T) {
	volumes := func(target string) types.Map {
		return types.MapValueMust(volumeType, map[string]attr.Value{target: types.ObjectValueMust(volumeType.AttrTypes,
			map[string]attr.Value{"name": types.StringValue("chat"), "read_only": types.BoolValue(false)})})
	}
	c := Container{Volumes: volumes("/data"), SecretFiles: texts("/run/a", ""), SecretFilesWO: texts("/run/b", "")}
	if diags := c.Check(); diags.HasError() {
		t.Error(diags)
	}
	c = Container{Volumes: volumes("/run/a"), SecretFiles: texts("/run/a", ""), SecretFilesWO: texts("/run/a", "")}
	diags := c.Check()
	if len(diags) != 2 || !strings.Contains(diags[0].Detail(), "/run/a is in volumes as well as in secret_files.") ||
		!strings.Contains(diags[1].Detail(), "secret_files_wo") {
		t.Error(diags)
	}
}

func TestAttributePath(t *testing.T) {
	for name, want := range map[string]path.Path{
		"from":                    path.Root("from"),
		"depends_on":              path.Root("start_after"),
		"depends_on.db":           path.Root("start_after"),
		"environment.LANG":        path.Root("environment").AtMapKey("LANG"),
		"volumes./data":           path.Root("volumes").AtMapKey("/data"),
		"volumes./data.d":         path.Root("volumes").AtMapKey("/data.d"),
		"volumes./data.d.name":    path.Root("volumes").AtMapKey("/data.d").AtName("name"),
		"secret_files./etc/a.ini": path.Root("secret_files").AtMapKey("/etc/a.ini"),
		"secret_files_wo":         path.Root("secret_files_wo"),
		"routes":                  path.Root("routes"),
		"routes.1":                path.Root("routes").AtListIndex(1),
		"routes.1.host":           path.Root("routes").AtListIndex(1).AtName("host"),
		"healthcheck.interval":    path.Root("healthcheck").AtName("interval"),
	} {
		if got := attributePath(name); !got.Equal(want) {
			t.Errorf("%s: %s instead of %s", name, got, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		30 * time.Second: "30s", time.Minute: "1m", 90 * time.Second: "1m30s", time.Hour: "1h", 25*time.Hour + 5*time.Minute: "25h5m",
		time.Hour + time.Second: "1h0m1s", 250 * time.Millisecond: "250ms",
	} {
		text := DurationOrNull(d)
		if text.ValueString() != want {
			t.Errorf("%s is written %s instead of %q", d, text, want)
		}
		if back := Duration(text); back != d {
			t.Errorf("%s is read as %s", text, back)
		}
	}
	if !DurationOrNull(0).IsNull() || Duration(types.StringNull()) != 0 {
		t.Error("no duration is one")
	}
}

func TestSpelling(t *testing.T) {
	for _, tc := range []struct {
		modifier    planmodifier.String
		state, plan string
		want        string
	}{
		{SameDuration(), "90s", "1m30s", "90s"},
		{SameDuration(), "90s", "2m", "2m"},
		{SameDuration(), "soon", "2m", "2m"},
		{SameAmount(), "2g", "2048m", "2g"},
		{SameAmount(), "2g", "1g", "1g"},
	} {
		resp := planmodifier.StringResponse{PlanValue: types.StringValue(tc.plan)}
		tc.modifier.PlanModifyString(context.Background(), planmodifier.StringRequest{
			StateValue: types.StringValue(tc.state), PlanValue: types.StringValue(tc.plan),
		}, &resp)
		if got := resp.PlanValue.ValueString(); got != tc.want {
			t.Errorf("%s after %s is planned as %s", tc.plan, tc.state, got)
		}
	}
}

func TestHealthTest(t *testing.T) {
	for _, tc := range []struct {
		test []string
		good bool
	}{
		{[]string{"CMD", "true"}, true},
		{[]string{"CMD-SHELL", "test -e /tmp/up && true"}, true},
		{[]string{"NONE"}, true},
		{[]string{}, false},
		{[]string{"CMD"}, false},
		{[]string{"CMD-SHELL", "test", "-e"}, false},
		{[]string{"NONE", "true"}, false},
		{[]string{"wget", "http://127.0.0.1"}, false},
	} {
		list, diags := types.ListValueFrom(context.Background(), types.StringType, tc.test)
		if diags.HasError() {
			t.Fatal(diags)
		}
		var resp validator.ListResponse
		HealthTest().ValidateList(context.Background(), validator.ListRequest{Path: path.Root("test"), ConfigValue: list}, &resp)
		if resp.Diagnostics.HasError() == tc.good {
			t.Errorf("%q: %v", tc.test, resp.Diagnostics)
		}
	}
}

// Whoever knows the address of a webhook can use it.
func TestWebhookURLIsInNoMessage(t *testing.T) {
	for url, good := range map[string]bool{
		"https://hooks.example.com/T0/s3cret": true, "http://10.0.0.1:8080/s3cret": true,
		"hooks.example.com/s3cret": false, "ftp://example.com/s3cret": false, "https:///s3cret": false, "https://%zz/s3cret": false,
	} {
		var resp validator.StringResponse
		WebhookURL().ValidateString(context.Background(), validator.StringRequest{
			Path: path.Root("webhook_url_wo"), ConfigValue: types.StringValue(url),
		}, &resp)
		if resp.Diagnostics.HasError() == good {
			t.Errorf("%q: %v", url, resp.Diagnostics)
		}
		for _, d := range resp.Diagnostics {
			if strings.Contains(d.Summary()+d.Detail(), "s3cret") {
				t.Errorf("the address is shown: %v", d)
			}
		}
	}
}
