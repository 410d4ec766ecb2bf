// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/template"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// facts are what a blueprint's files may know of a portal.
type facts struct {
	// Name, Domain and StudioDomain are the Spec's.
	Name, Domain, StudioDomain string
	// Host and StudioHost are the domains with the port that browsers use,
	// unless it goes without saying or is left to Docker; URL and StudioURL have
	// the scheme.
	Host, StudioHost, URL, StudioURL string
	// HTTPS tells whether browsers use it.
	HTTPS bool
	// CookieDomain is where the lms and the cms can share cookies: Domain when
	// StudioDomain is beneath it, otherwise empty.
	CookieDomain string
	// Mail is the Spec's with everything filled in that it leaves open. Without
	// any, mail is delivered directly.
	Mail stack.Mail
}

func newFacts(spec stack.Spec) facts {
	entrance := spec.Entrance()
	f := facts{Name: spec.Name, Domain: spec.Domain, StudioDomain: spec.StudioDomain, HTTPS: entrance.HTTPS}
	f.Host, f.StudioHost = entrance.Host(spec.Domain), entrance.Host(spec.StudioDomain)
	f.URL, f.StudioURL = entrance.URL(spec.Domain), entrance.URL(spec.StudioDomain)
	if spec.Mail != nil {
		f.Mail = spec.Mail.Resolved(spec.Domain)
	}
	if strings.HasSuffix(spec.StudioDomain, "."+spec.Domain) {
		f.CookieDomain = spec.Domain
	}
	return f
}

// variables interpolates a Compose file. It knows the portal's variables only:
// the environment of the process holds secrets, and differs between machines.
//
// It puts a mark where a value belongs, so that a file is loaded once for all
// the portals that run it; model.fill replaces the marks.
type variables struct {
	marks     map[string]string
	used      map[string]bool
	undefined map[string]bool
}

// values of the variables for one portal.
func values(spec stack.Spec, directory string) map[string]string {
	f := newFacts(spec)
	return map[string]string{
		"PORTAL_NAME":          f.Name,
		"PORTAL_DOMAIN":        f.Domain,
		"PORTAL_STUDIO_DOMAIN": f.StudioDomain,
		"PORTAL_URL":           f.URL,
		"PORTAL_STUDIO_URL":    f.StudioURL,
		portVariable:           strconv.Itoa(spec.PublishedHTTP()),
		httpsPortVariable:      strconv.Itoa(spec.PublishedHTTPS()),
		"PORTAL_DIRECTORY":     directory,
		"PORTAL_ALIASES":       strings.Join(spec.Aliases, " "),
		"COMPOSE_PROJECT_NAME": f.Name,
	}
}

// Variables of ports of the host.
const (
	portVariable      = "PORTAL_HTTP_PORT"
	httpsPortVariable = "PORTAL_HTTPS_PORT"
)

// marks that do not occur in the text of the Compose file. The loader takes
// some values apart, so each has the form of its value.
func marks(text []byte) map[string]string {
	next := 65535
	port := func() string {
		for bytes.Contains(text, []byte(strconv.Itoa(next))) {
			next--
		}
		next--
		return strconv.Itoa(next + 1)
	}
	tag := "portal-mark"
	for bytes.Contains(text, []byte(tag)) {
		tag += "x"
	}
	return map[string]string{
		"PORTAL_NAME":          tag + "-name",
		"PORTAL_DOMAIN":        tag + "-domain",
		"PORTAL_STUDIO_DOMAIN": tag + "-studio",
		"PORTAL_URL":           "http://" + tag + "-url",
		"PORTAL_STUDIO_URL":    "http://" + tag + "-surl",
		portVariable:           port(),
		httpsPortVariable:      port(),
		"PORTAL_DIRECTORY":     "/" + tag + "-directory",
		"PORTAL_ALIASES":       tag + "-aliases",
		"COMPOSE_PROJECT_NAME": tag + "-project",
	}
}

func newVariables(marks map[string]string) *variables {
	return &variables{marks: marks, used: map[string]bool{}, undefined: map[string]bool{}}
}

func (v *variables) names() string { return strings.Join(sortedKeys(v.marks), ", ") }

func (v *variables) lookup(name string) (string, bool) {
	value, ok := v.marks[name]
	if ok {
		v.used[name] = true
	}
	return value, ok
}

var (
	bareName = regexp.MustCompile(`^\$\{?([A-Za-z_][A-Za-z0-9_]*)`)
	// ${NAME-other}, ${NAME:-other}, ${NAME+other}, ${NAME:+other}.
	withOther = regexp.MustCompile(`(?s)^\$\{([A-Za-z_][A-Za-z0-9_]*)(:?)([-+])(.*)\}$`)
)

// substitute is Compose's own substitution, but for a variable that is not
// there and has no default: it is noted instead of becoming an empty text.
func (v *variables) substitute(text string, mapping template.Mapping) (string, error) {
	return template.SubstituteWithOptions(text, mapping, template.WithoutLogging,
		template.WithReplacementFunction(func(match string, m template.Mapping, cfg *template.Config) (string, error) {
			// A match reaches to the last brace of the text.
			expression, rest := cutExpression(match)
			value, err := v.expand(expression, m, cfg)
			if err != nil || rest == "" {
				return value, err
			}
			tail, err := v.substitute(rest, m)
			return value + tail, err
		}))
}

// expand resolves one expression.
func (v *variables) expand(expression string, m template.Mapping, cfg *template.Config) (string, error) {
	// The other text may name variables in turn.
	if o := withOther.FindStringSubmatch(expression); o != nil {
		value, set := m(o[1])
		if o[2] == ":" && value == "" {
			set = false
		}
		switch {
		case set == (o[3] == "+"):
			return v.substitute(o[4], m)
		case set:
			return value, nil
		default:
			return "", nil
		}
	}
	value, applied, err := template.DefaultReplacementAppliedFunc(expression, m, cfg)
	if err == nil && !applied {
		v.undefined[bareName.FindStringSubmatch(expression)[1]] = true
	}
	return value, err
}

// cutExpression splits "${A:-${B}}/rest" after the brace that closes the first.
func cutExpression(text string) (expression, rest string) {
	if !strings.HasPrefix(text, "${") {
		return text, ""
	}
	depth := 0
	for i, r := range text {
		switch r {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return text[:i+1], text[i+1:]
			}
		}
	}
	return text, ""
}
