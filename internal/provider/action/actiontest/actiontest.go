// SPDX-License-Identifier: MPL-2.0

// Package actiontest invokes actions of a provider as Terraform 1.14 does, by
// the protocol, for tests that run where only an older one is at hand.
package actiontest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// provider is one that has actions.
type provider interface {
	tfprotov6.ProviderServer
	tfprotov6.ActionServer
}

// Server is a configured provider.
type Server struct {
	provider provider
	schemas  *tfprotov6.GetProviderSchemaResponse
}

// Serve configures a provider with what is given of its block: maps, lists, strings,
// numbers and booleans, as JSON has them.
func Serve(t *testing.T, server tfprotov6.ProviderServer, given map[string]any) Server {
	t.Helper()
	p, ok := server.(provider)
	if !ok {
		t.Fatal("the provider has no actions")
	}
	schemas, err := p.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || len(schemas.Diagnostics) > 0 {
		t.Fatalf("the provider's schema: %v %v", err, schemas.Diagnostics)
	}
	config := value(t, schemas.Provider.ValueType(), given)
	resp, err := p.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: config})
	if err != nil || len(resp.Diagnostics) > 0 {
		t.Fatalf("configure the provider: %v %v", err, resp.Diagnostics)
	}
	return Server{p, schemas}
}

// Invoke runs an action to its end and returns what it reported. given are its
// attributes, as those of Serve.
func (s Server) Invoke(ctx context.Context, t *testing.T, name string, given map[string]any) (progress []string, diags []*tfprotov6.Diagnostic) {
	t.Helper()
	stream, err := s.provider.InvokeAction(ctx, &tfprotov6.InvokeActionRequest{ActionType: name, Config: s.config(t, name, given)})
	if err != nil {
		t.Fatal(err)
	}
	completed := false
	for event := range stream.Events {
		switch e := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			progress = append(progress, e.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			completed, diags = true, e.Diagnostics
		}
	}
	if !completed {
		t.Fatalf("%s never completed", name)
	}
	return progress, diags
}

// Must runs an action that has to succeed.
func (s Server) Must(t *testing.T, name string, given map[string]any) (progress []string) {
	t.Helper()
	progress, diags := s.Invoke(t.Context(), t, name, given)
	for _, d := range diags {
		t.Fatalf("%s: %s\n%s", name, d.Summary, d.Detail)
	}
	return progress
}

// Validate returns the errors of an action's configuration.
func (s Server) Validate(t *testing.T, name string, given map[string]any) []*tfprotov6.Diagnostic {
	t.Helper()
	resp, err := s.provider.ValidateActionConfig(t.Context(), &tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: s.config(t, name, given)})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Diagnostics
}

func (s Server) config(t *testing.T, name string, given map[string]any) *tfprotov6.DynamicValue {
	t.Helper()
	schema := s.schemas.ActionSchemas[name]
	if schema == nil {
		t.Fatalf("there is no action %s", name)
	}
	return value(t, schema.Schema.ValueType(), given)
}

// value is an object with null for what is not given.
func value(t *testing.T, kind tftypes.Type, given map[string]any) *tfprotov6.DynamicValue {
	t.Helper()
	if given == nil {
		given = map[string]any{}
	}
	text, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	object, err := tfprotov6.DynamicValue{JSON: text}.Unmarshal(kind)
	if err != nil {
		t.Fatal(err)
	}
	made, err := tfprotov6.NewDynamicValue(kind, object)
	if err != nil {
		t.Fatal(err)
	}
	return &made
}
