// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"unicode"
)

// matcher scores a document; zero means that it does not match.
type matcher func(document) float64

// hit is a document that a search found.
type hit struct {
	Index  string   `json:"_index"`
	ID     string   `json:"_id"`
	Score  float64  `json:"_score"`
	Source document `json:"_source"`
}

// parseQuery reads the "query" of a search. An absent one matches everything.
func parseQuery(raw json.RawMessage) (matcher, error) {
	if len(raw) == 0 {
		return func(document) float64 { return 1 }, nil
	}
	var query map[string]json.RawMessage
	if err := json.Unmarshal(raw, &query); err != nil || len(query) != 1 {
		return nil, fmt.Errorf("query must be an object with one key")
	}
	for kind, body := range query {
		switch kind {
		case "match_all":
			return parseQuery(nil)
		case "match", "term":
			return parseMatch(body)
		case "multi_match", "query_string", "simple_query_string":
			return parseQueryString(body)
		default:
			return nil, fmt.Errorf("query [%s] is not known to this stand-in", kind)
		}
	}
	return nil, nil // not reached: the map has one key
}

// parseMatch reads {"field": "words"} or {"field": {"query"|"value": "words"}}.
func parseMatch(body json.RawMessage) (matcher, error) {
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil || len(fields) != 1 {
		return nil, fmt.Errorf("a match query names one field")
	}
	for field, value := range fields {
		if object, ok := value.(map[string]any); ok {
			if value = object["query"]; value == nil {
				value = object["value"]
			}
		}
		return wordsIn(fmt.Sprint(value), []string{field}), nil
	}
	return nil, nil // not reached: the map has one key
}

// parseQueryString reads {"query": "words", "fields": […]}; the words are
// looked for in all fields when none is named.
func parseQueryString(body json.RawMessage) (matcher, error) {
	var query struct {
		Query  string   `json:"query"`
		Fields []string `json:"fields"`
	}
	if err := json.Unmarshal(body, &query); err != nil {
		return nil, fmt.Errorf("a query_string query has the keys query and fields: %w", err)
	}
	return wordsIn(query.Query, query.Fields), nil
}

// wordsIn scores a document by how often the words stand in the fields.
func wordsIn(text string, fields []string) matcher {
	wanted := words(text)
	return func(doc document) float64 {
		score := 0
		for field, value := range doc {
			if len(fields) > 0 && !contains(fields, field) {
				continue
			}
			for _, word := range words(fmt.Sprint(value)) {
				if contains(wanted, word) {
					score++
				}
			}
		}
		return float64(score)
	}
}

// words splits text into lower-case words of letters and digits.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func contains(list []string, word string) bool {
	for _, item := range list {
		if item == word || strings.HasPrefix(item, word+"^") { // a field may carry a boost
			return true
		}
	}
	return false
}

// find returns the documents that match, best first, ties by id.
func find(index string, documents map[string]document, match matcher) []hit {
	hits := []hit{}
	for id, doc := range documents {
		if score := match(doc); score > 0 {
			hits = append(hits, hit{Index: index, ID: id, Score: score, Source: doc})
		}
	}
	sort.Slice(hits, func(i, j int) bool {
		if hits[i].Score != hits[j].Score {
			return hits[i].Score > hits[j].Score
		}
		return hits[i].ID < hits[j].ID
	})
	return hits
}
