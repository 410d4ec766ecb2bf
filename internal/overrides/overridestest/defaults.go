// SPDX-License-Identifier: MPL-2.0

package overridestest

import (
	"fmt"
	"strings"
)

// Defaults is a file of variables as large and as varied as the defaults of
// Open edX's own role: 460 variables with sections, comments and Jinja. Names
// and values are made up.
func Defaults() string {
	var b strings.Builder
	b.WriteString("---\n#\n# Variables of the application. Overrides beat them.\n#\n\n")
	for section := range 20 {
		fmt.Fprintf(&b, "# -- Section %d %s\n#\n# What belongs together: the values, and why.\n\n", section, strings.Repeat("-", 50))
		for i := range 23 {
			name := fmt.Sprintf("EDXAPP_S%02d_V%02d", section, i)
			b.WriteString(defaultOf(name, section, i))
			if i%7 == 3 {
				b.WriteString("\n# Off unless a client asks for it.\n# " + name + "_OLD: !!null\n")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("# vim: set ft=ansible:\n")
	return b.String()
}

// defaultOf is one variable, of a kind that follows from its number.
func defaultOf(name string, section, i int) string {
	switch i {
	case 0, 1:
		return fmt.Sprintf("%s: \"value %d of %d\"\n", name, i, section)
	case 2:
		return name + ": 'it''s quoted: #1'   # single\n"
	case 3:
		return name + ": plain words here\n"
	case 4:
		return name + ": true\n"
	case 5:
		return name + ": no     # as Ansible writes it\n"
	case 6:
		return fmt.Sprintf("%s: %d\n", name, 1000*section)
	case 7:
		return name + ": 0.75\n"
	case 8:
		return name + ": !!null\n"
	case 9:
		return name + ": ~\n"
	case 10:
		return name + ":\n"
	case 11:
		return name + ": \"\"\n"
	case 12, 13:
		return fmt.Sprintf("%s: \"{{ EDXAPP_S%02d_V00 }}/{{ COMMON_DIR }}/part%d\"\n", name, section, i)
	case 14:
		return name + ": '{{ \"on\" if COMMON_FLAG else \"off\" }}'\n"
	case 15:
		return name + ": >\n  folded text that goes on\n  and on\n\n"
	case 16:
		return name + ": |\n    #!/bin/sh\n    exec \"$@\"\n"
	case 17:
		return name + ": []\n"
	case 18:
		return name + ":\n  - one\n  - \"{{ COMMON_DIR }}\" # second\n  - three: 3\n    four: [4, 'iv']\n"
	case 19:
		return name + ": {}\n"
	case 20:
		return name + ":\n  ENABLE_A: true\n  # B is for later\n  ENABLE_B: false\n  NESTED:\n    host: \"{{ COMMON_HOST | default('db') }}\"\n    port: 3306\n    options: { strict: yes, modes: [A, B] }\n\n"
	case 21:
		return name + ":\n- name: first\n  roles:\n  - admin\n- name: second\n"
	}
	return name + ": { a: 1, 'b': \"{{ COMMON_HOST }}\",\n  c: [x, y] } # two lines\n"
}
