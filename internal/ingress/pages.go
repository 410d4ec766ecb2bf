// SPDX-License-Identifier: MPL-2.0

package ingress

// Pages that Caddy answers with by itself. They need nothing else, and name
// nobody: a portal's name is the client's business.
const (
	maintenancePage = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Down for maintenance</title>
<body style="font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:20vh auto;padding:0 1em">
<h1>Down for maintenance</h1><p>We are working on this site. It will be back soon; nothing is lost.</p></body></html>
`
	failurePage = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Not available</title>
<body style="font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:20vh auto;padding:0 1em">
<h1>Not available at the moment</h1><p>This site does not answer right now. Please try again in a minute.</p></body></html>
`
)

// retryAfter is when a browser or a crawler may come back, in seconds.
const retryAfter = "60"

func pageHeaders() map[string][]string {
	return map[string][]string{
		"Content-Type": {"text/html; charset=utf-8"}, "Cache-Control": {"no-store"}, "Retry-After": {retryAfter},
	}
}

// unavailable answers that nobody is there on purpose.
func unavailable(page string) handler {
	return handler{Handler: "static_response", StatusCode: 503, Headers: pageHeaders(), Body: page}
}

// failureRoute answers for a service that does not.
func failureRoute() route {
	return route{
		Match: []match{{Expression: "{http.error.status_code} in [502, 503, 504]"}},
		Handle: []handler{{
			Handler: "static_response", StatusCode: "{http.error.status_code}", Headers: pageHeaders(), Body: failurePage,
		}},
		Terminal: true,
	}
}
