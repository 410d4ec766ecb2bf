// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"text/template"
)

// Names that a secret may have; they become file names.
var secretRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// render fills a template of the blueprint. Its delimiters are [[ and ]],
// because Ansible and many other programs have {{ }} for themselves. Marks of
// secrets stay in place, for the values are known to nobody but the drive;
// render returns the names in them, sorted.
func render(text []byte, f facts) (rendered []byte, secrets []string, err error) {
	t, err := template.New("").Delims("[[", "]]").Funcs(template.FuncMap{
		"secret": func(name string) (string, error) {
			if !secretRE.MatchString(name) {
				return "", fmt.Errorf("%q is not a secret's name", name)
			}
			if !slices.Contains(secrets, name) {
				secrets = append(secrets, name)
			}
			return fmt.Sprintf("[[ secret %q ]]", name), nil
		},
	}).Parse(string(text))
	if err != nil {
		return nil, nil, err
	}
	out := limitedBuffer{left: maxFile}
	if err := t.Execute(&out, f); err != nil {
		return nil, nil, err
	}
	slices.Sort(secrets)
	return out.content, secrets, nil
}

// limitedBuffer fails when a template grows out of hand.
type limitedBuffer struct {
	content []byte
	left    int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errors.New("the template's result is too large")
	}
	b.content = append(b.content, p...)
	return len(p), nil
}
