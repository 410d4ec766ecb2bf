// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// TestElection loses the leader of a Swarm: the managers that are left are asked
// again until they have another.
func TestElection(t *testing.T) {
	t.Parallel()
	const leaderless = 8 // answers, of two managers which are asked four times each by the transport
	var asked atomic.Int32
	manager := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		switch {
		case strings.HasSuffix(r.URL.Path, "/info"):
			_, _ = io.WriteString(w, `{"Swarm": {"ControlAvailable": true}}`)
		case strings.HasSuffix(r.URL.Path, "/nodes"):
			if asked.Add(1) <= leaderless {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, `{"message": "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online."}`)
				return
			}
			_, _ = io.WriteString(w, `[{"ID": "n1"}]`)
		}
	}
	hosts := map[string]pool.HostConfig{}
	for _, name := range []string{"a", "b"} {
		s := httptest.NewServer(http.HandlerFunc(manager))
		t.Cleanup(s.Close)
		hosts[name] = pool.HostConfig{Endpoint: strings.Replace(s.URL, "http", "tcp", 1)}
	}
	p, err := pool.New(pool.Config{Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	e := &Engine{pool: p}
	var nodes []swarm.Node
	err = e.do(t.Context(), func(ctx context.Context, c *client.Client) (err error) {
		nodes, err = c.NodeList(ctx, swarm.NodeListOptions{})
		return err
	})
	if err != nil || len(nodes) != 1 || asked.Load() != leaderless+1 {
		t.Errorf("%v after %d questions: %v", nodes, asked.Load(), err)
	}
}
