// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// document is one indexed document, by field.
type document = map[string]any

// errNoIndex says that an index does not exist.
var errNoIndex = errors.New("no such index")

// indexName is what may be an index's name, and thereby a file's.
var indexName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,127}$`)

// store holds all indices in memory, and each in a file that is replaced as a
// whole when the index changes. It is safe for concurrent use.
type store struct {
	directory string

	mu      sync.RWMutex
	indices map[string]map[string]document
}

// openStore reads the indices of a directory.
func openStore(directory string) (*store, error) {
	s := &store{directory: directory, indices: map[string]map[string]document{}}
	if err := os.MkdirAll(directory, 0o770); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	paths, err := filepath.Glob(filepath.Join(directory, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading an index: %w", err)
		}
		index := map[string]document{}
		if err := json.Unmarshal(content, &index); err != nil {
			return nil, fmt.Errorf("reading the index in %s: %w", path, err)
		}
		s.indices[strings.TrimSuffix(filepath.Base(path), ".json")] = index
	}
	return s, nil
}

// create makes an empty index; one that exists stays as it is.
func (s *store) create(index string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.indices[index] != nil {
		return nil
	}
	return s.replace(index, map[string]document{})
}

// drop removes an index with its documents.
func (s *store) drop(index string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.indices[index] == nil {
		return errNoIndex
	}
	if err := os.Remove(s.path(index)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	delete(s.indices, index)
	return nil
}

// put stores a document, and tells whether it is a new one. It makes the index
// when there is none, as Elasticsearch does.
func (s *store) put(index, id string, doc document) (created bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[string]document{}
	for other, content := range s.indices[index] {
		next[other] = content
	}
	_, existed := next[id]
	next[id] = doc
	return !existed, s.replace(index, next)
}

// remove deletes a document, and tells whether there was one.
func (s *store) remove(index, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.indices[index][id]; !found {
		return false, nil
	}
	next := map[string]document{}
	for other, content := range s.indices[index] {
		if other != id {
			next[other] = content
		}
	}
	return true, s.replace(index, next)
}

// documents returns an index's documents by id. The maps must not be changed:
// the store never changes them either, it replaces them.
func (s *store) documents(index string) (map[string]document, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	documents := s.indices[index]
	if documents == nil {
		return nil, errNoIndex
	}
	return documents, nil
}

// replace writes an index to its file, atomically, and then to memory.
func (s *store) replace(index string, documents map[string]document) error {
	content, err := json.Marshal(documents)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(s.directory, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // gone after the rename
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), s.path(index)); err != nil {
		return err
	}
	s.indices[index] = documents
	return nil
}

func (s *store) path(index string) string {
	return filepath.Join(s.directory, index+".json")
}
