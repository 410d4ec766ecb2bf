// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"path"
	"slices"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const (
	// GatewayImage is the image of a gateway where none is given.
	GatewayImage = "caddy:2.11"
	// GatewayService is the one service of a gateway's stack.
	GatewayService = "gateway"

	gatewayData    = "data/gateway"
	gatewayUser    = 1000
	gatewayMemory  = 512 << 20 // bytes
	gatewayPIDs    = 512
	gatewayNetBits = 24 // 253 portals on a host
	gatewayStop    = 30 * time.Second
)

// GatewayOptions say where a gateway is to be.
type GatewayOptions struct {
	Options
	// Host of the pool, and all hosts of the pool.
	Host  string
	Hosts []string
	// Addresses of the hosts by their names; needed where there are several.
	Addresses map[string]string
}

// BuildGateway makes the stack of a gateway on one host of the pool: one
// container, in a network of its own and in one with the load balancers of the
// portals there. An error is a Problems value with attributes of the gateway's
// resource.
func BuildGateway(spec stack.GatewaySpec, opts GatewayOptions) (*stack.Stack, error) {
	c := collector{}
	c.checkGateway(spec, opts)
	if len(c.problems) > 0 {
		return nil, c.problems.sorted()
	}
	directory := path.Join(opts.StoragePath, spec.Name)
	network, edge := stack.NetworkName(spec.Name, "default"), stack.EdgeNetwork(spec.Name)
	image := spec.Image
	if image == "" {
		image = GatewayImage
	}
	return &stack.Stack{
		Portal: spec.Name, Directory: directory, Role: stack.RoleGateway,
		Services: map[string]*stack.Service{GatewayService: {
			Name: GatewayService, Image: image, Replicas: 1,
			Command:     []string{"caddy", "run", "--config", path.Join(defaultFolder, GatewayConfig(opts.Host))},
			Environment: map[string]string{},
			User:        "1000:1000",
			Mounts: []stack.Mount{
				{Source: path.Join(directory, stack.IngressFolder), Target: defaultFolder, ReadOnly: true},
				{Source: path.Join(directory, gatewayData), Target: caddyData},
				{Target: "/config", Mode: 0o1777},
				{Target: "/tmp", Mode: 0o1777},
			},
			Ports:    gatewayPorts(spec, opts),
			Networks: map[string][]string{network: {GatewayService}, edge: {GatewayService}},
			Healthcheck: &stack.Healthcheck{
				Test:     []string{"CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8081/"},
				Interval: defaultInterval, Timeout: defaultTimeout, Retries: defaultRetries,
				StartPeriod: defaultStartPeriod, StartInterval: defaultStartInterval,
			},
			Resources: stack.Resources{Memory: gatewayMemory, PIDs: gatewayPIDs},
			Restart:   defaultRestart, StopGrace: gatewayStop, Init: true, ReadOnly: true,
			CapDrop: []string{"ALL"}, CapAdd: []string{"NET_BIND_SERVICE"}, SecurityOpt: []string{noNewPrivileges},
			Sysctls:   map[string]string{"net.ipv4.tcp_migrate_req": "1"},
			LogDriver: defaultLogDriver, LogOptions: defaultLogOptions(),
			Update: stack.StopFirst,
		}},
		Networks: map[string]stack.Network{
			network: {Name: network},
			edge:    {Name: edge, Internal: true, Bits: gatewayNetBits},
		},
		Directories: map[string]stack.Directory{
			stack.IngressFolder: {Mode: ingressMode},
			gatewayData:         {UID: gatewayUser, GID: gatewayUser, Mode: 0o700},
		},
		Ingress: &stack.Ingress{
			Service: GatewayService, Format: ingress.Caddy, Reload: ingress.Reload(ingress.Caddy), Retry: ingress.Retry(ingress.Caddy), Folder: defaultFolder,
			Storage: path.Join(gatewayData, caddyFolder), UID: gatewayUser, GID: gatewayUser,
			Settings: stack.IngressSettings{TLS: spec.TLS, HTTPSPort: spec.PublishedHTTPS(), TrustedProxies: spec.TrustedProxies},
		},
	}, nil
}

// GatewayConfig is the name of the configuration of the gateway on a host.
func GatewayConfig(host string) string { return "gateway-" + host + ".json" }

// gatewayPorts are HTTP and HTTPS on the hosts that were chosen, and on every host
// of several the port by which gateways reach each other.
func gatewayPorts(spec stack.GatewaySpec, opts GatewayOptions) []stack.Port {
	var ports []stack.Port
	if len(spec.Hosts) == 0 || slices.Contains(spec.Hosts, opts.Host) {
		ports = append(ports, stack.Port{Container: ingress.HTTPPort, Host: spec.PublishedHTTP(), Protocol: "tcp"})
		if spec.TLS.On() {
			ports = append(
				ports,
				stack.Port{Container: ingress.HTTPSPort, Host: spec.PublishedHTTPS(), Protocol: "tcp"},
				stack.Port{Container: ingress.HTTPSPort, Host: spec.PublishedHTTPS(), Protocol: "udp"},
			)
		}
	}
	if len(opts.Hosts) > 1 {
		ports = append(ports, stack.Port{Container: ingress.RelayPort, Host: spec.PublishedRelay(), Protocol: "tcp"})
	}
	return ports
}

// checkGateway finds what is wrong with a gateway's configuration.
func (c *collector) checkGateway(spec stack.GatewaySpec, opts GatewayOptions) {
	if err := stack.ValidateName(spec.Name); err != nil {
		c.problem("name", "The gateway's name is not valid", "%s.", err)
	}
	for attribute, port := range map[string]int{"http_port": spec.HTTPPort, "https_port": spec.HTTPSPort, "relay_port": spec.RelayPort} {
		c.checkPort(attribute, port)
	}
	used := map[int]string{spec.PublishedHTTP(): "http_port"}
	claim := func(attribute string, port int) {
		if other, taken := used[port]; taken {
			c.problem(attribute, "One port twice", "%s and %s both want the port %d of a host.", other, attribute, port)
		}
		used[port] = attribute
	}
	if spec.TLS.On() {
		claim("https_port", spec.PublishedHTTPS())
	} else if spec.HTTPSPort != 0 {
		c.problem("https_port", "Nothing speaks HTTPS", "With tls.mode = \"off\" the gateway has no certificates: leave https_port out.")
	}
	if len(opts.Hosts) > 1 {
		claim("relay_port", spec.PublishedRelay())
		for _, host := range opts.Hosts {
			if opts.Addresses[host] == "" {
				c.problem("", "A host has no address", "Gateways pass requests on from host to host, and the address of host %q is not known: set address in the provider's hosts[%q].", host, host)
			}
		}
	}
	for _, host := range spec.Hosts {
		if len(opts.Hosts) > 0 && !slices.Contains(opts.Hosts, host) {
			c.problem("hosts", "There is no such host", "The provider has no host %q.%s", host, suggest(host, opts.Hosts))
		}
	}
	if spec.Image != "" {
		c.checkImage("image", spec.Image)
	}
	c.checkProxies("trusted_proxies", spec.TrustedProxies)
	c.checkTLS("tls", spec.TLS)
}
