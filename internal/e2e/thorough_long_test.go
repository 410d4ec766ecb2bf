// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

// thorough says that this is `make testlong`, which takes its time.
const thorough = true
