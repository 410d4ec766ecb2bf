// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/containerd/errdefs/pkg/errhttp"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"
)

// listed is what is read of a container in a list.
type listed struct {
	ID              string `json:"Id"`
	Names           []string
	Image, ImageID  string
	State           string
	Created         int64
	Labels          map[string]string
	NetworkSettings struct{ Networks map[string]struct{} }
	Ports           []struct {
		IP         string
		PublicPort uint16
		Type       string
	}
}

// maxComplaint bounds what is read of an answer that is an error, in bytes.
const maxComplaint = 64 << 10

// stream lists containers and hands each to keep as it arrives. Docker's client
// would hold the whole answer, twice: megabytes for each of dozens of hosts that
// are asked at the same time, of which little is kept.
func (h *Host) stream(ctx context.Context, version string, wanted filters.Args, keep func(*listed)) error {
	query := url.Values{"all": {"1"}}
	if wanted.Len() > 0 {
		text, err := filters.ToJSON(wanted)
		if err != nil {
			return err
		}
		query.Set("filters", text)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/v"+version+"/containers/json?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := h.transport.RoundTrip(req)
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			return fmt.Errorf("%w (%w)", client.ErrorConnectionFailed(h.Endpoint), err) //nolint:staticcheck // the client itself says it so, and retries know it
		}
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return complaint(resp)
	}
	dec := json.NewDecoder(resp.Body)
	if _, err := dec.Token(); err != nil { // the bracket
		return brokenOff(err)
	}
	for dec.More() {
		var l listed
		if err := dec.Decode(&l); err != nil {
			return brokenOff(err)
		}
		keep(&l)
	}
	_, err = dec.Token()
	return brokenOff(err)
}

// brokenOff marks the end of an answer that is not at its end.
func brokenOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// daemonError is what a daemon answered in the place of a list.
type daemonError struct {
	message string
	kind    error // one of containerd's
}

func (e *daemonError) Error() string { return e.message }
func (e *daemonError) Unwrap() error { return e.kind }

// complaint reads why the daemon refused.
func complaint(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxComplaint))
	if err != nil {
		return err
	}
	var said struct{ Message string }
	if json.Unmarshal(text, &said) != nil || said.Message == "" {
		said.Message = fmt.Sprintf("the daemon answered %s: %s", resp.Status, text)
	}
	return &daemonError{said.Message, errhttp.ToNative(resp.StatusCode)}
}
