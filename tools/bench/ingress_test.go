// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/tools/bench/load"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{9, 1, 2, 4}, 3},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("the median of %v is %v, want %v", c.values, got, c.want)
		}
	}
}

// measured is a server whose rounds all have this many answers per second, and
// a latency of so many milliseconds at the median and ten times that at p99.
func measured(k kind, tls bool, rates, latencies []float64) *server {
	s := &server{kind: k, target: load.Target{TLS: tls}, answers: 1000}
	for i := range s.rounds {
		for round, r := range rates {
			latency := time.Duration(latencies[round] * float64(time.Millisecond))
			s.rounds[i] = append(s.rounds[i], figures{rate: r, p50: latency, p99: 10 * latency})
		}
	}
	return s
}

func TestCompareIsRoundByRound(t *testing.T) {
	// The second round was disturbed: for both alike.
	ours := measured(wholePath, false, []float64{100, 10, 110}, []float64{3, 30, 4})
	theirs := measured(caddyAlone, false, []float64{400, 50, 400}, []float64{1, 29, 1})
	if got, want := compare(ours, theirs, busy, ratio).String(), "0.25 [0.20 … 0.28]"; got != want {
		t.Errorf("ratio %s, want %s", got, want)
	}
	if got, want := compare(ours, theirs, quiet, added(p50)).String(), "2.00 [1.00 … 3.00]"; got != want {
		t.Errorf("added at the median %s, want %s", got, want)
	}
	if got, want := compare(ours, theirs, quiet, added(p99)).String(), "20.00 [10.00 … 30.00]"; got != want {
		t.Errorf("added at p99 %s, want %s", got, want)
	}
}

func TestIngressReport(t *testing.T) {
	in := ingress{address: "192.0.2.7", servers: inOrder([]*server{
		measured(wholePath, true, []float64{20}, []float64{5}),
		measured(nginxAlone, true, []float64{100}, []float64{1}),
		measured(caddyAlone, false, []float64{200}, []float64{0.5}),
		measured(wholePath, false, []float64{50}, []float64{2}),
	})}
	var out strings.Builder
	b := bench{ingress: in}
	b.report(&out)
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{
		"200 0.50 5.00 200 0.50 5.00 0.500 5.000 1000 0 Caddy alone",
		"50 2.00 20.00 50 2.00 20.00 2.000 20.000 1000 0 gateway, load balancer, nginx",
		"0.25 [0.25 … 0.25] 0.25 [0.25 … 0.25] 1.50 [1.50 … 1.50] 15.00 [15.00 … 15.00] 1.50 [1.50 … 1.50] 15.00 [15.00 … 15.00] to Caddy alone",
		// With TLS the path is compared with those that have TLS.
		"0.20 [0.20 … 0.20] 0.20 [0.20 … 0.20] 4.00 [4.00 … 4.00] 40.00 [40.00 … 40.00] 4.00 [4.00 … 4.00] 40.00 [40.00 … 40.00] to nginx alone, TLS",
		"All were asked at published ports of 192.0.2.7, and reached through the kernel's translation of addresses (DNAT).",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}

func TestFailedRequestsFailTheRun(t *testing.T) {
	good, bad := measured(nginxAlone, false, nil, nil), measured(wholePath, true, nil, nil)
	in := ingress{servers: []*server{good, bad}}
	if err := in.failures(); err != nil {
		t.Errorf("%v, want no error", err)
	}
	bad.failed, bad.failure = 3, errors.New("connection reset")
	want := "gateway, load balancer, nginx, TLS: 3 requests failed, the first: connection reset"
	if err := in.failures(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestAnswerHasItsSize(t *testing.T) {
	for _, size := range []int{1, smallSize, largeSize} {
		if got := len(answer(size)); got != size {
			t.Errorf("%d bytes, want %d", got, size)
		}
	}
}

func TestHasSocket(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 020200C0:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 020200C0:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
   2: 0000000000000000FFFF0000020200C0:1F91 0000000000000000FFFF0000020200C0:C351 01 00000000:00000000 00:00000000 00000000 0 0 3 1 0 20 4 30 10 -1
`
	for _, c := range []struct {
		local, remote string
		want          bool
	}{
		{"192.0.2.2:8080", "127.0.0.1:50000", true},
		{"192.0.2.2:8080", "127.0.0.1:50001", false}, // it only listens for that
		{"127.0.0.1:50000", "192.0.2.2:8080", false}, // the client's own end
		{"192.0.2.2:8081", "192.0.2.2:50001", true},  // IPv6
	} {
		if got := hasSocket(table, netip.MustParseAddrPort(c.local), netip.MustParseAddrPort(c.remote)); got != c.want {
			t.Errorf("%s from %s: %v, want %v", c.local, c.remote, got, c.want)
		}
	}
}

func TestSocketsOfThisMachineAreSeen(t *testing.T) {
	listener, err := net.Listen("tcp", net.JoinHostPort(localAddress(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	// As docker-proxy would, this process takes the connection.
	proxied, err := throughProxy(listener.Addr().String())
	if err != nil || !proxied {
		t.Errorf("%v, %v; want that the connection ends on this machine", proxied, err)
	}
}
