// SPDX-License-Identifier: MPL-2.0

package hosts

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
)

// model is the data source as Terraform has it.
type model struct {
	Hosts types.Map `tfsdk:"hosts"`
}

// host is an element of the attribute hosts. What is nil is null.
type host struct {
	Endpoint          string            `tfsdk:"endpoint"`
	Address           *string           `tfsdk:"address"`
	Labels            map[string]string `tfsdk:"labels"`
	Drain             bool              `tfsdk:"drain"`
	Reachable         bool              `tfsdk:"reachable"`
	Error             *string           `tfsdk:"error"`
	EngineVersion     *string           `tfsdk:"engine_version"`
	APIVersion        *string           `tfsdk:"api_version"`
	KernelVersion     *string           `tfsdk:"kernel_version"`
	OS                *string           `tfsdk:"os"`
	Arch              *string           `tfsdk:"arch"`
	CPUs              *int              `tfsdk:"cpus"`
	Memory            *int64            `tfsdk:"memory"`
	MemoryReserved    *int64            `tfsdk:"memory_reserved"`
	Containers        *int              `tfsdk:"containers"`
	ContainersRunning *int              `tfsdk:"containers_running"`
	Portals           []string          `tfsdk:"portals"`
	Gateways          []string          `tfsdk:"gateways"`
}

var hostType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"endpoint":           types.StringType,
	"address":            types.StringType,
	"labels":             types.MapType{ElemType: types.StringType},
	"drain":              types.BoolType,
	"reachable":          types.BoolType,
	"error":              types.StringType,
	"engine_version":     types.StringType,
	"api_version":        types.StringType,
	"kernel_version":     types.StringType,
	"os":                 types.StringType,
	"arch":               types.StringType,
	"cpus":               types.Int64Type,
	"memory":             types.Int64Type,
	"memory_reserved":    types.Int64Type,
	"containers":         types.Int64Type,
	"containers_running": types.Int64Type,
	"portals":            types.ListType{ElemType: types.StringType},
	"gateways":           types.ListType{ElemType: types.StringType},
}}

// hostsValue is the attribute hosts.
func hostsValue(ctx context.Context, rows []engine.HostStatus) (types.Map, diag.Diagnostics) {
	hosts := make(map[string]host, len(rows))
	for _, s := range rows {
		hosts[s.Name] = hostOf(s)
	}
	return types.MapValueFrom(ctx, hostType, hosts)
}

func hostOf(s engine.HostStatus) host {
	h := host{Endpoint: s.Endpoint, Address: textOrNil(s.Address), Reachable: s.Reachable, Error: textOrNil(s.Error), Labels: map[string]string{}, Drain: s.Drain}
	maps.Copy(h.Labels, s.Labels)
	if !s.Reachable {
		return h
	}
	h.EngineVersion, h.APIVersion = textOrNil(s.EngineVersion), textOrNil(s.APIVersion)
	h.KernelVersion, h.OS, h.Arch = textOrNil(s.KernelVersion), textOrNil(s.OS), textOrNil(s.Arch)
	h.CPUs, h.Memory, h.MemoryReserved = &s.CPUs, &s.Memory, &s.MemoryReserved
	h.Containers, h.ContainersRunning = &s.Containers, &s.Running
	h.Portals = append([]string{}, s.Portals...)
	h.Gateways = append([]string{}, s.Gateways...)
	return h
}

func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
