// SPDX-License-Identifier: MPL-2.0

// Package e2e tests the whole product as its users meet it: the real terraform
// command, the provider's own binary, a real Docker Engine. One part runs the
// built-in blueprint on the demo images, another kills, spoils and starves
// small portals. It holds tests only.
package e2e
