// SPDX-License-Identifier: MPL-2.0

package placement

import (
	"errors"
	"strings"
	"testing"
)

const gb = 1 << 30

var (
	hosts = []Host{
		{Name: "dal-1", Labels: map[string]string{"zone": "a", "disk": "ssd"}},
		{Name: "dal-2", Labels: map[string]string{"zone": "B"}},
		{Name: "dal-3", Labels: map[string]string{"zone": "b"}, Drain: true},
		{Name: "dal-4"},
	}
	loads = map[string]Load{
		"dal-1": {Memory: 64 * gb, Reserved: 40 * gb},
		"dal-2": {Memory: 32 * gb, Reserved: 2 * gb},
		"dal-3": {Memory: 64 * gb},
		"dal-4": {Memory: 16 * gb, Reserved: 4 * gb},
	}
)

func constraints(t *testing.T, texts ...string) []Constraint {
	t.Helper()
	out, err := ParseAll(texts)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// decide does what its callers do.
func decide(r Request, s Strategy, loads map[string]Load) (Decision, error) {
	permitted, err := r.Permitted(hosts)
	if err != nil {
		return Decision{}, err
	}
	if home, ok := r.Stays(permitted); ok {
		return Decision{Host: home, Reason: "stays"}, nil
	}
	return r.Choose(hosts, permitted, loads, s)
}

func TestPlacement(t *testing.T) {
	for name, tt := range map[string]struct {
		request  Request
		strategy Strategy
		host     string
		reason   string
	}{
		"spread":                    {Request{}, Spread, "dal-2", "the most memory free, 30.0 GiB, of dal-1, dal-2, dal-4"},
		"pack":                      {Request{Memory: gb}, Pack, "dal-4", "the least memory free that it fits into, 12.0 GiB, of dal-1, dal-2, dal-4"},
		"pack where it fits":        {Request{Memory: 20 * gb}, Pack, "dal-1", "24.0 GiB"},
		"pack what fits nowhere":    {Request{Memory: 99 * gb}, Pack, "dal-2", "the most memory free"},
		"chosen":                    {Request{Host: "dal-4"}, Spread, "dal-4", "chosen by host"},
		"label":                     {Request{Constraints: constraints(t, "node.labels.zone == a")}, Spread, "dal-1", "for which node.labels.zone == a"},
		"label in another case":     {Request{Constraints: constraints(t, "node.labels.zone==b")}, Spread, "dal-2", "not drained"},
		"not a label, or none":      {Request{Constraints: constraints(t, "node.labels.zone != b", "node.hostname != dal-1")}, Spread, "dal-4", ""},
		"stays":                     {Request{Homes: []string{"dal-4"}}, Spread, "dal-4", "stays"},
		"leaves what is drained":    {Request{Homes: []string{"dal-3"}}, Spread, "dal-2", "away from dal-3 (it is drained): the most memory free"},
		"leaves what is given up":   {Request{Homes: []string{"gone"}}, Spread, "dal-2", "away from gone, which is given up: the most"},
		"leaves for a constraint":   {Request{Homes: []string{"dal-2"}, Constraints: constraints(t, "node.labels.disk == ssd")}, Spread, "dal-1", `away from dal-2 ("node.labels.disk == ssd" does not hold): the only`},
		"goes on with a move":       {Request{Homes: []string{"dal-3", "dal-4"}}, Spread, "dal-4", "stays"},
		"goes back to where it was": {Request{Homes: []string{"dal-3", "dal-4"}, Host: "dal-1"}, Spread, "dal-1", "away from dal-3 (host is \"dal-1\"): chosen by host"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := decide(tt.request, tt.strategy, loads)
			if err != nil || d.Host != tt.host || !strings.Contains(d.Reason, tt.reason) {
				t.Errorf("got %+v, %v; want %s: %s", d, err, tt.host, tt.reason)
			}
		})
	}
}

// A host that does not answer takes no part, and costs the others nothing.
func TestSilentHosts(t *testing.T) {
	silent := map[string]Load{"dal-2": {Err: errors.New("no answer within 10s")}, "dal-1": loads["dal-1"], "dal-4": loads["dal-4"]}
	d, err := decide(Request{}, Spread, silent)
	if err != nil || d.Host != "dal-1" || strings.Contains(d.Reason, "dal-2") {
		t.Errorf("got %+v, %v", d, err)
	}
	all := map[string]Load{}
	for _, h := range hosts {
		all[h.Name] = silent["dal-2"]
	}
	if _, err := decide(Request{}, Spread, all); err == nil || !strings.Contains(err.Error(), "dal-4: no answer within 10s") {
		t.Errorf("all are silent: %v", err)
	}
	if d, err := decide(Request{Host: "dal-2"}, Spread, silent); err != nil || d.Host != "dal-2" {
		t.Errorf("a choice needs no load: %+v, %v", d, err)
	}
}

func TestNowhere(t *testing.T) {
	for name, tt := range map[string]struct {
		request Request
		says    []string
	}{
		"unknown host": {Request{Host: "dal-9"}, []string{`"dal-9"`, "dal-1, dal-2, dal-3, dal-4"}},
		"drained":      {Request{Host: "dal-3"}, []string{"dal-3: it is drained", `dal-1: host is "dal-3"`}},
		"constraints":  {Request{Constraints: constraints(t, "node.labels.zone == c")}, []string{`dal-1: "node.labels.zone == c" does not hold`, "labels"}},
	} {
		_, err := decide(tt.request, Spread, loads)
		for _, part := range tt.says {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error does not say %q: %v", name, part, err)
			}
		}
	}
}

func TestConstraintsThatAreNone(t *testing.T) {
	for text, says := range map[string]string{
		"":                         "==",
		"node.labels.zone":         "==",
		"node.labels.zone = a":     "==",
		"node.labels.zone ==":      "==",
		"node.labels. == a":        "node.labels.<label>",
		"node.role == manager":     "node.role",
		"engine.labels.zone == a":  "node.labels.zone",
		"node.labels.zone == a\nb": "==",
	} {
		if c, err := Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
	if c, err := Parse("  node.labels.zone!=  two words "); err != nil || c.String() != "node.labels.zone != two words" {
		t.Errorf("%q, %v", c, err)
	}
}
