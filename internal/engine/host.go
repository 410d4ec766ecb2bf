// SPDX-License-Identifier: MPL-2.0

package engine

// HostStatus tells how a host of the pool is, and what is on it. Of a host that
// is not Reachable there are Name, Endpoint, Address and Error alone.
type HostStatus struct {
	Name string
	// Endpoint of its engine, without secrets.
	Endpoint string
	// Address under which visitors and other hosts reach it, empty when it is
	// not known.
	Address string
	// Labels and Drain are as in placement.Host.
	Labels map[string]string
	Drain  bool

	// Reachable tells whether its engine answered, and is one that portals can
	// run on; Error says why not.
	Reachable bool
	Error     string

	EngineVersion string // "20.10.24"
	APIVersion    string // the newest that the engine speaks: "1.41"
	KernelVersion string
	OS            string // "Debian GNU/Linux 12 (bookworm)"
	Arch          string // "amd64"
	CPUs          int
	Memory        int64 // bytes
	// MemoryReserved is what services of portals reserve of it, in bytes.
	MemoryReserved int64
	// Containers in all, and those that run, whosever they are.
	Containers, Running int
	// Portals and Gateways that have containers there, sorted.
	Portals, Gateways []string
}
