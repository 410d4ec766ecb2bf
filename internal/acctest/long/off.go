// SPDX-License-Identifier: MPL-2.0

//go:build !long

package long

// Thorough says that this is `make testlong`, which takes its time.
const Thorough = false
