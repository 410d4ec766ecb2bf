// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"path"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// ingressAttrs let the load balancer's user read its configuration, which holds
// no secret.
var ingressAttrs = attrs{mode: 0o444}

func (s *server) writeIngress(data []byte) error {
	d, err := s.ownSub(ingressDir)
	if err != nil {
		return err
	}
	defer d.Close()
	name := path.Base(stack.IngressPath)
	if err := checkSize(d.child(name), data); err != nil {
		return err
	}
	return d.write(name, data, ingressAttrs)
}
