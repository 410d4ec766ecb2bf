// SPDX-License-Identifier: MPL-2.0

// Package tools pins the programs that this project is built with, apart from
// the provider's own dependencies, and says how its generated files are made:
// by `make generate`.
package tools

//go:generate terraform fmt -recursive ../examples
//go:generate go tool tfplugindocs generate --provider-dir .. --provider-name portal --rendered-provider-name "Private Portals"
