// SPDX-License-Identifier: MPL-2.0

package storage

import (
	"context"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// WriteIngress makes or replaces the load balancer's configuration,
// stack.IngressPath. Prepare must have made its directory. A container that
// mounts the file sees a replaced one when it is started again. It needs the
// portal's lock.
func (s *Session) WriteIngress(ctx context.Context, config []byte) error {
	return s.call(ctx, "writing the load balancer's configuration", "WriteIngress", wire.WriteIngressArgs{Data: config}, &wire.None{})
}
