// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// call sends a request and returns the status and the decoded answer.
func call(t *testing.T, h http.Handler, method, path, body string) (int, map[string]any) {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	var answer map[string]any
	if recorder.Body.Len() > 0 {
		if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s %s: %v in %q", method, path, err, recorder.Body)
		}
	}
	return recorder.Code, answer
}

func TestRequests(t *testing.T) {
	directory := t.TempDir()
	s, err := openStore(directory)
	if err != nil {
		t.Fatal(err)
	}
	h := newHandler(s)
	for _, step := range []struct {
		method, path, body string
		status             int
		contains           string
	}{
		{"GET", "/_cluster/health?local=true", "", 200, `"status":"green"`},
		{"HEAD", "/courses", "", 404, ""},
		{"GET", "/courses/_search", "", 404, "index_not_found"},
		{"PUT", "/courses", "", 200, `"acknowledged":true`},
		{"HEAD", "/courses", "", 200, ""},
		{"PUT", "/courses/_doc/1", `{"title":"Portal Testing","text":"test chambers"}`, 201, "created"},
		{"PUT", "/courses/_doc/1", `{"title":"Portal Testing","text":"test chambers, cubes"}`, 200, "updated"},
		{"PUT", "/courses/_doc/2", `{"title":"Cake","text":"portal and cake and cake"}`, 201, "created"},
		{"GET", "/courses/_doc/1", "", 200, "cubes"},
		{"GET", "/courses/_doc/9", "", 404, `"found":false`},
		{"POST", "/courses/_search", `{"query":{"query_string":{"query":"PORTAL"}}}`, 200, `"value":2`},
		{"POST", "/courses/_search", `{"query":{"match":{"title":"portal"}}}`, 200, `"value":1`},
		{"POST", "/courses/_search", `{"query":{"multi_match":{"query":"cake","fields":["title^2"]}}}`, 200, `"value":1`},
		{"POST", "/courses/_search", `{"query":{"match":{"text":"nothing"}}}`, 200, `"hits":[]`},
		{"POST", "/courses/_search", `{"query":{"fuzzy":{}}}`, 400, "fuzzy"},
		{"POST", "/courses/_search", `{"aggs":{}}`, 400, "aggs"},
		{"POST", "/courses/_search", `{"from":5,"size":3}`, 200, `"value":2`},
		{"GET", "/courses/_search?q=cubes", "", 200, `"_id":"1"`},
		{"PUT", "/..%2Fescape/_doc/1", `{}`, 400, "invalid_index_name"},
		{"PUT", "/courses/_doc/3", `[]`, 400, "mapper_parsing"},
		{"DELETE", "/courses/_doc/2", "", 200, "deleted"},
		{"DELETE", "/courses/_doc/2", "", 404, "not_found"},
		{"POST", "/courses/_bulk", "", 400, "_bulk"},
	} {
		status, answer := call(t, h, step.method, step.path, step.body)
		text, _ := json.Marshal(answer)
		if status != step.status || !strings.Contains(string(text), step.contains) {
			t.Errorf("%s %s %s: %d %s, want %d with %q", step.method, step.path, step.body, status, text, step.status, step.contains)
		}
	}

	again, err := openStore(directory)
	if err != nil {
		t.Fatal(err)
	}
	documents, err := again.documents("courses")
	if err != nil || len(documents) != 1 || documents["1"]["title"] != "Portal Testing" {
		t.Errorf("after a restart: %v, %v", documents, err)
	}
}
