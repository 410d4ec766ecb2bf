// SPDX-License-Identifier: MPL-2.0

package deploy

import "strings"

// concealedError is an error in whose text secrets were struck out.
type concealedError struct {
	error
	text string
}

func (e *concealedError) Error() string { return e.text }
func (e *concealedError) Unwrap() error { return e.error }

// shortestConcealed is the length from which a secret is struck out of error
// texts: shorter ones would take innocent words with them.
const shortestConcealed = 4

// concealed strikes secrets out of an error's text: a service that fails may
// have written them into its log.
func concealed(err error, secrets []string) error {
	text := conceal(err.Error(), secrets)
	if text == err.Error() {
		return err
	}
	return &concealedError{error: err, text: text}
}

// conceal strikes secrets out of a text.
func conceal(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) >= shortestConcealed {
			text = strings.ReplaceAll(text, s, "(secret)")
		}
	}
	return text
}
