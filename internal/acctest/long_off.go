// SPDX-License-Identifier: MPL-2.0

//go:build !long

package acctest

// Thorough says that this is `make testlong`, which takes its time.
const Thorough = false
