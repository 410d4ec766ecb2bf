// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
)

// handler answers one kind of request. A value is written as JSON with the
// status; nil writes the status alone. A nil error with status 0 means that
// the handler wrote the answer itself.
type handler func(w http.ResponseWriter, r *http.Request) (status int, value any, err error)

// apiError is an error with the status that Docker gives it.
type apiError struct {
	status int
	text   string
}

func (e *apiError) Error() string { return e.text }

func refuse(status int, format string, arguments ...any) error {
	return &apiError{status, fmt.Sprintf(format, arguments...)}
}

var versionPrefix = regexp.MustCompile(`^/v1\.[0-9]+/`)

// ServeHTTP implements http.Handler.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if loc := versionPrefix.FindStringIndex(r.URL.Path); loc != nil {
		r.URL.Path = r.URL.Path[loc[1]-1:]
		r.URL.RawPath = ""
	}
	w.Header().Set("Api-Version", apiVersion)
	w.Header().Set("Ostype", "linux")
	w.Header().Set("Server", "Docker/"+engineVersion+" (linux)")
	h.routes.ServeHTTP(w, r)
}

// mux has a route for each kind of request.
func (h *Host) mux() *http.ServeMux {
	m := http.NewServeMux()
	for pattern, handle := range map[string]handler{
		"GET /_ping":                      h.ping,
		"GET /version":                    h.version,
		"GET /info":                       h.info,
		"GET /events":                     h.streamEvents,
		"GET /containers/json":            h.listContainers,
		"POST /containers/create":         h.createContainer,
		"GET /containers/{id}/json":       h.inspectContainer,
		"GET /containers/{id}/logs":       h.containerLogs,
		"POST /containers/{id}/start":     h.startContainer,
		"POST /containers/{id}/stop":      h.stopContainer,
		"POST /containers/{id}/kill":      h.killContainer,
		"POST /containers/{id}/restart":   h.restartContainer,
		"POST /containers/{id}/pause":     h.pauseContainer,
		"POST /containers/{id}/unpause":   h.unpauseContainer,
		"POST /containers/{id}/rename":    h.renameContainer,
		"POST /containers/{id}/update":    h.updateContainer,
		"POST /containers/{id}/wait":      h.waitContainer,
		"POST /containers/{id}/attach":    h.attachContainer,
		"POST /containers/{id}/exec":      h.createExec,
		"DELETE /containers/{id}":         h.removeContainer,
		"POST /exec/{id}/start":           h.startExec,
		"GET /exec/{id}/json":             h.inspectExec,
		"GET /networks":                   h.listNetworks,
		"POST /networks/create":           h.createNetwork,
		"GET /networks/{id}":              h.inspectNetwork,
		"DELETE /networks/{id}":           h.removeNetwork,
		"POST /networks/{id}/connect":     h.connectNetwork,
		"POST /networks/{id}/disconnect":  h.disconnectNetwork,
		"GET /images/json":                h.listImages,
		"GET /images/{nameAndVerb...}":    h.inspectImage,
		"DELETE /images/{nameAndVerb...}": h.removeImage,
		"POST /images/create":             h.createImage,
		"POST /images/prune":              h.pruneImages,
		"/{whatever...}":                  unknown,
	} {
		m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w = h.counter.count(pattern, w)
			answer(w, r, handle)
		})
	}
	return m
}

func unknown(http.ResponseWriter, *http.Request) (int, any, error) {
	return 0, nil, refuse(http.StatusNotFound, "page not found")
}

// answer lets handle work and writes what it returned.
func answer(w http.ResponseWriter, r *http.Request, handle handler) {
	status, value, err := handle(w, r)
	if err != nil {
		status = http.StatusInternalServerError
		var known *apiError
		if errors.As(err, &known) {
			status = known.status
		}
		value = map[string]string{"message": err.Error()}
	}
	switch body := value.(type) {
	case nil:
		if status != 0 {
			w.WriteHeader(status)
		}
	case json.RawMessage:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(value) // the client may have gone
	}
}

// decode reads a JSON body. None leaves the value as it is.
func decode(r *http.Request, value any) error {
	err := json.NewDecoder(r.Body).Decode(value)
	if err != nil && !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, "invalid JSON: %v", err)
	}
	return nil
}

// flag reads a boolean of the query as Docker does.
func flag(r *http.Request, name string) bool {
	switch r.URL.Query().Get(name) {
	case "", "0", "no", "false", "none":
		return false
	}
	return true
}
