// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Kernel is the version of a Linux kernel, as far as features follow from it.
type Kernel struct{ Major, Minor int }

// Before tells whether a kernel is older than another.
func (k Kernel) Before(o Kernel) bool {
	return k.Major < o.Major || k.Major == o.Major && k.Minor < o.Minor
}

// parseKernel reads the beginning of a release as `uname -r` prints it:
// "5.10.0-28-amd64". What distributions put after it is theirs.
func parseKernel(release string) (Kernel, error) {
	major, rest, _ := strings.Cut(release, ".")
	minor := rest
	if end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		minor = rest[:end]
	}
	k := Kernel{}
	var err error
	if k.Major, err = strconv.Atoi(major); err == nil {
		k.Minor, err = strconv.Atoi(minor)
	}
	if err != nil {
		return Kernel{}, fmt.Errorf("%q is not the version of a Linux kernel", release)
	}
	return k, nil
}

// Kernel is the kernel that the host's containers run on. The host is asked
// once, when it is first wanted.
func (h *Host) Kernel(ctx context.Context) (Kernel, error) {
	c, err := h.Client(ctx)
	if err != nil {
		return Kernel{}, err
	}
	h.kernel.Lock()
	defer h.kernel.Unlock()
	if h.kernel.known != nil {
		return *h.kernel.known, nil
	}
	var release string
	err = Retry(ctx, func() error {
		v, err := c.ServerVersion(ctx)
		release = v.KernelVersion
		return err
	})
	if err != nil {
		return Kernel{}, fmt.Errorf("ask host %q for its kernel: %w", h.Name, err)
	}
	k, err := parseKernel(release)
	if err != nil {
		return Kernel{}, fmt.Errorf("ask host %q for its kernel: %w", h.Name, err)
	}
	h.kernel.known = &k
	return k, nil
}
