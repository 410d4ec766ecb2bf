// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Digest identifies how a service's containers are configured. Two services
// with one digest need no replacement. It leaves out what does not concern a
// container: how many there are, what they wait for, how they are replaced
// and who routes to them.
func Digest(s *Service) string {
	c := *s
	c.Replicas = 0
	c.DependsOn = nil
	c.Update = ""
	c.Routes = nil
	if c.Task != nil {
		// When a task runs is on a label; how long it may run is not.
		c.Task = &Task{When: c.Task.When, Schedule: c.Task.Schedule, RunOn: c.Task.RunOn}
	}
	// encoding/json sorts the keys of maps, so the text is canonical.
	text, err := json.Marshal(c)
	if err != nil {
		// Service holds only plain data: this cannot happen.
		panic(fmt.Sprintf("digest of service %s: %v", s.Name, err))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
