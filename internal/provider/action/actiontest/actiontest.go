// SPDX-License-Identifier: MPL-2.0

// Package actiontest invokes actions of a provider as Terraform 1.14 does, by
// the protocol, for tests that run where only an older one is at hand.
package actiontest

import (
	"context"
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

// Serve configures a provider with an empty provider block.
func Serve(t *testing.T, server tfprotov6.ProviderServer) Server {
	t.Helper()
	p, ok := server.(provider)
	if !ok {
		t.Fatal("the provider has no actions")
	}
	schemas, err := p.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || len(schemas.Diagnostics) > 0 {
		t.Fatalf("the provider's schema: %v %v", err, schemas.Diagnostics)
	}
	config := value(t, schemas.Provider.ValueType(), nil)
	resp, err := p.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: config})
	if err != nil || len(resp.Diagnostics) > 0 {
		t.Fatalf("configure the provider: %v %v", err, resp.Diagnostics)
	}
	return Server{p, schemas}
}

// Invoke runs an action to its end and returns what it reported. given are its
// attributes, each a string or a list of strings.
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
	object, ok := kind.(tftypes.Object)
	if !ok {
		t.Fatalf("%s is no object", kind)
	}
	attributes := make(map[string]tftypes.Value, len(object.AttributeTypes))
	for name, kind := range object.AttributeTypes {
		attributes[name] = tftypes.NewValue(kind, attribute(given[name]))
	}
	for name := range given {
		if _, known := object.AttributeTypes[name]; !known {
			t.Fatalf("there is no attribute %s", name)
		}
	}
	made, err := tfprotov6.NewDynamicValue(object, tftypes.NewValue(object, attributes))
	if err != nil {
		t.Fatal(err)
	}
	return &made
}

func attribute(given any) any {
	list, ok := given.([]string)
	if !ok {
		return given
	}
	elements := make([]tftypes.Value, 0, len(list))
	for _, v := range list {
		elements = append(elements, tftypes.NewValue(tftypes.String, v))
	}
	return elements
}
