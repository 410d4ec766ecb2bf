// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	cerrdefs "github.com/containerd/errdefs"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// fail completes e with what was tried, the host and the cause, and with a
// remedy where the cause is a known one. A cause that is an engine.Error
// already is returned as it is.
func fail(h *pool.Host, op string, e engine.Error, cause error) error {
	var done *engine.Error
	if errors.As(cause, &done) {
		return cause
	}
	e.Op, e.Err = op, Plain(cause)
	if h != nil {
		e.Host = h.Name
	}
	if e.Remedy == "" {
		e.Remedy = remedy(h, cause)
	}
	return &e
}

// Plain takes away the client's own phrase before the daemon's reason, and
// keeps the chain for errors.Is and errors.As.
func Plain(err error) error {
	const phrase = "Error response from daemon: "
	if s := err.Error(); strings.HasPrefix(s, phrase) {
		return &said{strings.TrimPrefix(s, phrase), err}
	}
	return err
}

// Said is an error under other words, which keeps the chain for errors.Is and errors.As.
func Said(text string, err error) error { return &said{text, err} }

// said is an error under other words.
type said struct {
	text string
	err  error
}

func (s *said) Error() string { return s.text }
func (s *said) Unwrap() error { return s.err }

// remedies for reasons that daemons give, by a part of their text in lower
// case. The first that matches counts.
var remedies = []struct{ part, remedy string }{
	{"port is already allocated", portRemedy + " " + keptPortRemedy},
	{"address already in use", portRemedy},
	{"no space left on device", "The host's disk is full: free some space there, for example with \"docker system prune\", and apply again."},
	{"bind source path does not exist", "Docker mounts a path of the host into this container, and the path is not there. Is the shared drive mounted on the host, at the provider's storage.path?"},
	{"executable file not found", "The image has no such command. Check that it is the right image for this role, and that it keeps the image contract."},
	{"exec format error", "The image is made for another kind of processor than the host's."},
	{"no such image", "The image is not on the host: pull, load or build it there, or apply again."},
	{"client sent an http request to an https server", "The host wants TLS: give the provider its certificates in hosts.<name>.tls, or in PORTAL_TLS_CA, PORTAL_TLS_CERT and PORTAL_TLS_KEY."},
	{"permission denied while trying to connect", "The user who runs Terraform may not use Docker's socket: add that user to the group docker, or give the provider another endpoint."},
}

const portRemedy = "Choose another http_port, leave it out so that Docker chooses one, or stop what uses the port on the host."

// keptPortRemedy is for a port that Docker keeps of a container that does not run: one
// that was starting when dockerd or its host was killed (seen with Docker 20.10).
// Neither disconnecting nor removing the container frees it.
const keptPortRemedy = "If no container there publishes it, Docker kept it of one that was starting when the host crashed: restart Docker there (systemctl restart docker)."

// remedy says what to do about a cause, empty when that is not known.
func remedy(h *pool.Host, cause error) string {
	if errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
		return ""
	}
	var overSSH *pool.SSHError
	if errors.As(cause, &overSSH) {
		return "" // it says itself what to do
	}
	text := strings.ToLower(cause.Error())
	for _, r := range remedies {
		if strings.Contains(text, r.part) {
			return r.remedy
		}
	}
	if pool.IsUnreachable(cause) || pool.IsTransient(cause) && !cerrdefs.IsInternal(cause) {
		return unreachableRemedy(h)
	}
	return ""
}

func unreachableRemedy(h *pool.Host) string {
	if h == nil {
		return "Is dockerd running on every host of the pool, and can this machine reach it?"
	}
	return fmt.Sprintf("Is dockerd running on host %q, and can this machine reach %s? Nothing is lost: apply again when it answers.", h.Name, h.Endpoint)
}
