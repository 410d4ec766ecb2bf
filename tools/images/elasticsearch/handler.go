// SPDX-License-Identifier: MPL-2.0

package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// maxBody is the largest request body, in bytes.
const maxBody = 16 << 20

// handler answers requests in Elasticsearch's forms.
type handler struct{ store *store }

// newHandler routes the part of the API that is known.
func newHandler(s *store) http.Handler {
	h := handler{store: s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.info)
	mux.HandleFunc("GET /_cluster/health", h.health)
	mux.HandleFunc("HEAD /{index}", h.existsIndex)
	mux.HandleFunc("PUT /{index}", h.createIndex)
	mux.HandleFunc("DELETE /{index}", h.deleteIndex)
	mux.HandleFunc("POST /{index}/_refresh", h.refresh)
	mux.HandleFunc("POST /{index}/_doc", h.putDocument)
	mux.HandleFunc("PUT /{index}/_doc/{id}", h.putDocument)
	mux.HandleFunc("POST /{index}/_doc/{id}", h.putDocument)
	mux.HandleFunc("GET /{index}/_doc/{id}", h.getDocument)
	mux.HandleFunc("DELETE /{index}/_doc/{id}", h.deleteDocument)
	mux.HandleFunc("GET /{index}/_search", h.search)
	mux.HandleFunc("POST /{index}/_search", h.search)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusBadRequest, "unsupported_operation",
			fmt.Sprintf("%s %s is not known to this stand-in for Elasticsearch", r.Method, r.URL.Path))
	})
	return mux
}

func (h handler) info(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"cluster_name": "portal-demo",
		"version":      map[string]any{"number": "7.17.0", "build_flavor": "stand-in"},
		"tagline":      "A stand-in for Elasticsearch",
	})
}

func (h handler) health(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"cluster_name": "portal-demo", "status": "green", "timed_out": false, "number_of_nodes": 1,
	})
}

func (h handler) existsIndex(w http.ResponseWriter, r *http.Request) {
	if _, err := h.store.documents(r.PathValue("index")); err != nil {
		w.WriteHeader(http.StatusNotFound)
	}
}

func (h handler) createIndex(w http.ResponseWriter, r *http.Request) {
	index, ok := validIndex(w, r)
	if !ok {
		return
	}
	if err := h.store.create(index); err != nil {
		failed(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"acknowledged": true, "index": index})
}

func (h handler) deleteIndex(w http.ResponseWriter, r *http.Request) {
	if err := h.store.drop(r.PathValue("index")); err != nil {
		failed(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"acknowledged": true})
}

// refresh has nothing to do: a document is found as soon as it is stored.
func (h handler) refresh(w http.ResponseWriter, r *http.Request) {
	if _, err := h.store.documents(r.PathValue("index")); err != nil {
		failed(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"_shards": map[string]any{"total": 1, "successful": 1, "failed": 0}})
}

func (h handler) putDocument(w http.ResponseWriter, r *http.Request) {
	index, ok := validIndex(w, r)
	if !ok {
		return
	}
	id := r.PathValue("id")
	if id == "" {
		id = rand.Text()
	}
	var doc document
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&doc); err != nil {
		refuse(w, http.StatusBadRequest, "mapper_parsing_exception", "the document is not a JSON object: "+err.Error())
		return
	}
	created, err := h.store.put(index, id, doc)
	if err != nil {
		failed(w, err)
		return
	}
	status, result := http.StatusOK, "updated"
	if created {
		status, result = http.StatusCreated, "created"
	}
	answer(w, status, map[string]any{"_index": index, "_id": id, "result": result})
}

func (h handler) getDocument(w http.ResponseWriter, r *http.Request) {
	index, id := r.PathValue("index"), r.PathValue("id")
	documents, err := h.store.documents(index)
	if err != nil {
		failed(w, err)
		return
	}
	doc, found := documents[id]
	if !found {
		answer(w, http.StatusNotFound, map[string]any{"_index": index, "_id": id, "found": false})
		return
	}
	answer(w, http.StatusOK, map[string]any{"_index": index, "_id": id, "found": true, "_source": doc})
}

func (h handler) deleteDocument(w http.ResponseWriter, r *http.Request) {
	index, id := r.PathValue("index"), r.PathValue("id")
	found, err := h.store.remove(index, id)
	if err != nil {
		failed(w, err)
		return
	}
	status, result := http.StatusOK, "deleted"
	if !found {
		status, result = http.StatusNotFound, "not_found"
	}
	answer(w, status, map[string]any{"_index": index, "_id": id, "result": result})
}

func (h handler) search(w http.ResponseWriter, r *http.Request) {
	request := struct {
		Query json.RawMessage `json:"query"`
		From  int             `json:"from"`
		Size  int             `json:"size"`
	}{Size: 10}
	if r.ContentLength != 0 {
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&request); err != nil {
			refuse(w, http.StatusBadRequest, "parsing_exception", "the search is not known to this stand-in: "+err.Error())
			return
		}
	}
	match, err := parseQuery(request.Query)
	if q := r.URL.Query().Get("q"); q != "" {
		match, err = wordsIn(q, nil), nil
	}
	if err == nil && (request.From < 0 || request.Size < 0) {
		err = errors.New("from and size must not be negative")
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "parsing_exception", err.Error())
		return
	}
	index := r.PathValue("index")
	documents, err := h.store.documents(index)
	if err != nil {
		failed(w, err)
		return
	}
	hits := find(index, documents, match)
	total := len(hits)
	first := min(request.From, total)
	hits = hits[first:min(first+request.Size, total)]
	answer(w, http.StatusOK, map[string]any{
		"timed_out": false,
		"hits":      map[string]any{"total": map[string]any{"value": total, "relation": "eq"}, "hits": hits},
	})
}

// validIndex returns the request's index, or answers that its name is invalid.
func validIndex(w http.ResponseWriter, r *http.Request) (string, bool) {
	index := r.PathValue("index")
	if !indexName.MatchString(index) {
		refuse(w, http.StatusBadRequest, "invalid_index_name_exception",
			"an index has a name of lower-case letters, digits, '_', '-' and '.', and does not start with a sign")
		return "", false
	}
	return index, true
}

func failed(w http.ResponseWriter, err error) {
	if errors.Is(err, errNoIndex) {
		refuse(w, http.StatusNotFound, "index_not_found_exception", err.Error())
		return
	}
	refuse(w, http.StatusInternalServerError, "exception", err.Error())
}

func refuse(w http.ResponseWriter, status int, kind, reason string) {
	answer(w, status, map[string]any{"error": map[string]any{"type": kind, "reason": reason}, "status": status})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone
}
