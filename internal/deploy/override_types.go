// SPDX-License-Identifier: MPL-2.0

package deploy

// Override is what a user asks of a portal's ansible_overrides.yml: values of
// some leaves, which the override then owns. Values are those of package
// overrides: nil, bool, string, overrides.Number, []any, map[string]any.
type Override struct {
	Portal string
	// ID is "<portal>/<8 hex digits>"; empty for one that is to be made.
	ID string
	// Values by key, nested as in the file.
	Values map[string]any
	// Secrets are values that no state, log or error shows. They are taken
	// over only with SecretsSet; without it, those in the file stay.
	Secrets    map[string]any
	SecretsSet bool
	// Adopt takes over leaves that somebody else has set to another value.
	Adopt bool
}

// OverrideState is what is there of an override.
type OverrideState struct {
	Portal string
	ID     string
	// Values of the override's leaves as they are in the file now; what is gone
	// from the file is absent.
	Values map[string]any
	// Secrets tells of each secret leaf, by its path, whether it is as it was
	// set: SecretSet, SecretChanged or SecretMissing.
	Secrets map[string]string
	// Status is OverrideApplied, or in words what is left to do.
	Status string
	// Warnings for the user.
	Warnings []string
}

// OverrideApplied is the status of an override whose values the services run
// with.
const OverrideApplied = "applied"

// What is told of a secret leaf.
const (
	SecretSet     = "set"
	SecretChanged = "changed"
	SecretMissing = "missing"
)
