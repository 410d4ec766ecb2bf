// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"encoding/json"
	"strings"
)

// certificateLog is how much of a load balancer's log is looked through, in lines.
const certificateLog = 300

// certificateEntry is what Caddy logs of a certificate that it could not get.
type certificateEntry struct {
	Level      string  `json:"level"`
	Time       float64 `json:"ts"` // seconds since 1970
	Logger     string  `json:"logger"`
	Identifier string  `json:"identifier"`
	Error      string  `json:"error"`
}

// certificateFailure is the last failure to get a hostname's certificate.
type certificateFailure struct {
	time float64 // by the clock of the container's host
	why  string
}

// certificateFailures are the last failures by hostname, as the containers tell.
// A log that cannot be read tells nothing.
func (d *Deployer) certificateFailures(ctx context.Context, containers []string) map[string]certificateFailure {
	out := map[string]certificateFailure{}
	for _, name := range containers {
		log, err := d.Engine.Logs(ctx, name, certificateLog)
		if err != nil {
			continue
		}
		for line := range strings.SplitSeq(log, "\n") {
			var e certificateEntry
			if json.Unmarshal([]byte(line), &e) != nil || e.Level != "error" || e.Identifier == "" || e.Error == "" {
				continue
			}
			if strings.HasPrefix(e.Logger, "tls.") {
				out[e.Identifier] = certificateFailure{e.Time, e.Error}
			}
		}
	}
	return out
}
