// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
	"github.com/privateportals/terraform-provider-portal/internal/provider/values"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// settle turns a plan that was carried out into a state: the stack is the
// desired one, and what was unknown is filled in from the result.
func (m *model) settle(ctx context.Context, desired *stack.Stack, result deploy.Result) diag.Diagnostics {
	value, diags := stackValue(ctx, stack.Summarize(desired))
	m.Stack = value
	m.Directory = types.StringValue(desired.Directory)
	m.settlePlace(result.Host, result.Placement)
	published := stack.Front{Port: result.HTTPPort}
	if m.URL.IsUnknown() {
		m.URL = address(m.Domain.ValueString(), published)
	}
	if m.StudioURL.IsUnknown() {
		m.StudioURL = address(m.StudioDomain.ValueString(), published)
	}
	if m.Hostnames.IsUnknown() {
		hostnames, d := types.SetValueFrom(ctx, types.StringType, ingress.Hostnames(desired))
		diags.Append(d...)
		m.Hostnames = hostnames
	}
	if m.Certificates.IsUnknown() {
		certificates, d := certificate.StatusValue(ctx, result.Certificates, time.Now())
		diags.Append(d...)
		m.Certificates = certificates
	}
	diags.Append(m.settleDNS(ctx, result)...)
	return diags
}

// observe turns a state into what was found. With no container left there is
// no host and no port to be found: the last known ones stay, and the empty
// stack makes the next plan bring the portal back.
func (m *model) observe(ctx context.Context, result deploy.Result) diag.Diagnostics {
	value, diags := stackValue(ctx, result.Services)
	m.Stack = value
	if result.Host != "" {
		m.Host = types.StringValue(result.Host)
	}
	if m.docker() && result.HTTPPort != 0 {
		m.setAddresses(stack.Front{Port: result.HTTPPort})
	}
	diags.Append(m.observeDNS(ctx, result)...)
	return diags
}

// docker tells whether Docker chose the port that visitors use.
func (m *model) docker() bool {
	return m.HTTPPort.IsNull() && m.TLS.IsNull() && m.Gateway.IsNull() && m.Proxies.IsNull()
}

// hasCertificates tells whether TLS ends at the portal.
func (m *model) hasCertificates() bool {
	mode, _ := m.TLS.Attributes()["mode"].(types.String)
	return mode.ValueString() != "" && mode.ValueString() != string(stack.TLSOff)
}

// observeCertificates puts into a state what became of certificates.
func (m *model) observeCertificates(ctx context.Context, found map[string]deploy.Certificate) diag.Diagnostics {
	value, diags := certificate.StatusValue(ctx, found, time.Now())
	m.Certificates = value
	return diags
}

// updateFailed is observe after a failed update; without a result the state
// stays what it was.
func updateFailed(ctx context.Context, state *model, result deploy.Result) diag.Diagnostics {
	if result.Services == nil {
		return nil
	}
	return state.observe(ctx, result)
}

// onDestroy is what to do with the files; retain when in doubt.
func (m *model) onDestroy() stack.OnDestroy {
	if m.OnDestroy.ValueString() == "" {
		return stack.Retain
	}
	return stack.OnDestroy(m.OnDestroy.ValueString())
}

// importedModel is the state of a portal that was found on the drive.
func importedModel(ctx context.Context, spec stack.Spec, result deploy.Result, storagePath string) (model, diag.Diagnostics) {
	m := model{Timeouts: noTimeouts(), Addresses: types.ListNull(types.StringType)}
	diags := m.setSpec(ctx, spec)
	m.Host = textOrNull(result.Host)
	m.Directory = plannedDirectory(m.Name, storagePath)
	m.setAddresses(spec.Entrance())
	m.Hostnames = values.SetOrNull(ctx, result.Hostnames, &diags)
	m.Certificates = types.MapNull(certificate.StatusType)
	diags.Append(m.observe(ctx, result)...)
	return m, diags
}

func noTimeouts() timeouts.Value {
	return timeouts.Value{Object: types.ObjectNull(map[string]attr.Type{
		"create": types.StringType,
		"read":   types.StringType,
		"update": types.StringType,
		"delete": types.StringType,
	})}
}

// warnOfMove tells that another storage.path makes the portal look for its
// files elsewhere: nothing moves them.
func (m *model) warnOfMove(prior *model) diag.Diagnostics {
	var diags diag.Diagnostics
	if prior == nil || m.Directory.IsUnknown() || m.Directory.Equal(prior.Directory) {
		return diags
	}
	diags.AddWarning(
		fmt.Sprintf("Portal %s: its directory changes", m.Name.ValueString()),
		fmt.Sprintf("From %s to %s, because the provider's storage.path changed. Files are not moved: they must be at the new path before you apply.",
			prior.Directory.ValueString(), m.Directory.ValueString()))
	return diags
}

// setIdentity fills in what tells one portal from another. Terraform versions
// without identities ask for none.
func setIdentity(ctx context.Context, identity *tfsdk.ResourceIdentity, name string) diag.Diagnostics {
	if identity == nil {
		return nil
	}
	return identity.SetAttribute(ctx, path.Root("name"), name)
}
