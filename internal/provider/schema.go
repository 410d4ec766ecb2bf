// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

func providerSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Runs private portals (dedicated Open edX deployments, one per client) on Docker hosts.",
		Attributes: map[string]schema.Attribute{
			"engine": schema.StringAttribute{
				MarkdownDescription: "How services run on the hosts. `docker`, the default: plain containers, a portal lives on one host. `swarm`: services of the Docker Swarm that the hosts manage, which spreads them over its nodes and starts them elsewhere when a node fails. Environment: `PORTAL_ENGINE`.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOf(engineDocker, engineSwarm)},
			},
			"hosts": hostsAttribute(),
			"swarm": swarmAttribute(),
			"placement": schema.StringAttribute{
				MarkdownDescription: "Which host a new portal gets, or one that has to move, among those that it may run on: `spread`, the default, takes the one with the most memory free; `pack` the one with the least that the portal fits into. Free is what services of portals do not reserve; each of their containers reserves its limit. Environment: `PORTAL_PLACEMENT`.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOf(string(placement.Spread), string(placement.Pack))},
			},
			"storage": schema.SingleNestedAttribute{
				MarkdownDescription: "The shared drive, which every host has mounted at the same path.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"path": schema.StringAttribute{
						MarkdownDescription: "Directory on the hosts; each portal and gateway gets one of its own in it. It must exist. Default: `" + defaultStoragePath + "`. Environment: `PORTAL_STORAGE_PATH`.",
						Optional:            true,
						Validators:          []validator.String{validate.StoragePath()},
					},
					"id": schema.StringAttribute{
						MarkdownDescription: "Id that the file `.portal-storage` in it must hold. With it, an empty directory is refused too, as one where the drive is not mounted. Environment: `PORTAL_STORAGE_ID`.",
						Optional:            true,
						Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
					},
				},
			},
			"registries": schema.MapNestedAttribute{
				MarkdownDescription: "Credentials to pull images with, by the registry's hostname, for example `ghcr.io`. Default: those of Docker's configuration file and its credential helpers.",
				Optional:            true,
				Validators:          []validator.Map{mapvalidator.KeysAre(validate.RegistryHost())},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"username": schema.StringAttribute{
						MarkdownDescription: "User name.",
						Required:            true,
					},
					"password": schema.StringAttribute{
						MarkdownDescription: "Password or access token.",
						Required:            true,
						Sensitive:           true,
					},
				}},
			},
			"subnet_pool": schema.StringAttribute{
				MarkdownDescription: "IPv4 network that the networks of portals and gateways take their subnets from: a `/26` each, a `/24` for what a gateway shares with its portals; those that overlap another network of the host are passed over. Default: `" + defaultSubnetPool + "`. Environment: `PORTAL_SUBNET_POOL`.",
				Optional:            true,
				Validators:          []validator.String{validate.SubnetPool()},
			},
		},
	}
}

func hostsAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: "Docker hosts, by a name of your choice. With engine `swarm`, managers of the Swarm, of which one that answers is enough. Default: the host that the `docker` command would use: `DOCKER_HOST`, the current docker context, or the local socket.",
		Optional:            true,
		Validators:          []validator.Map{mapvalidator.SizeAtLeast(1)},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"endpoint": schema.StringAttribute{
				MarkdownDescription: "Address of its Docker Engine: `ssh://ops@10.0.0.11`, `tcp://10.0.0.12:2376` or `unix:///var/run/docker.sock`. Of `ssh`, the port is 22 and the user is who runs Terraform unless it says otherwise; a path is that of the engine's socket on the host.",
				Required:            true,
				Validators:          []validator.String{validate.Endpoint()},
			},
			"address": schema.StringAttribute{
				MarkdownDescription: "IP address or hostname under which visitors and other hosts reach it: what DNS records of its portals lead to. Default: the host part of a `tcp` or `ssh` endpoint, which is wrong behind a tunnel; none for a Unix socket. Environment, when there is no `hosts`: `PORTAL_ADDRESS`.",
				Optional:            true,
				Validators:          []validator.String{validate.HostAddress()},
			},
			"tls": schema.SingleNestedAttribute{
				MarkdownDescription: "Certificates for a `tcp` endpoint, as PEM texts. What is left out is taken from the environment.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"ca": schema.StringAttribute{
						MarkdownDescription: "Certificate of the authority that signed the host's. Default: the system's authorities. Environment: `PORTAL_TLS_CA`.",
						Optional:            true,
					},
					"cert": schema.StringAttribute{
						MarkdownDescription: "Client certificate. Environment: `PORTAL_TLS_CERT`.",
						Optional:            true,
					},
					"key": schema.StringAttribute{
						MarkdownDescription: "Key of the client certificate. Environment: `PORTAL_TLS_KEY`.",
						Optional:            true,
						Sensitive:           true,
					},
				},
			},
			"ssh": sshAttribute(),
			"labels": schema.MapAttribute{
				MarkdownDescription: "Labels that describe the host, for the `constraints` of portals.",
				Optional:            true,
				ElementType:         types.StringType,
			},
			"drain": schema.BoolAttribute{
				MarkdownDescription: "Move all portals away: nothing is placed on the host, and the next apply of each portal there stops it and starts it elsewhere. Default: `false`.",
				Optional:            true,
			},
			"force_move": schema.BoolAttribute{
				MarkdownDescription: "The host is dead for good: it is not asked any more, and the next apply of each portal that was there starts it elsewhere, **without proof that it is stopped**. A host that only does not answer may still run databases on the same files. Default: `false`.",
				Optional:            true,
			},
		}},
	}
}
