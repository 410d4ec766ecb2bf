// SPDX-License-Identifier: MPL-2.0

package client

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// packed is a stack in a tenth of its room: a plan may hold a thousand of them,
// and most are never looked at again. As in the portal's records, the files'
// contents are left out.
type packed []byte

func pack(s *stack.Stack) (packed, error) {
	bare := *s
	bare.Files = maps.Clone(s.Files)
	for path, f := range bare.Files {
		f.Content = nil
		bare.Files[path] = f
	}
	var out bytes.Buffer
	w, _ := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(&out)
	if err := errors.Join(json.NewEncoder(w).Encode(&bare), w.Close()); err != nil {
		return nil, fmt.Errorf("noting the planned stack of portal %q: %w", s.Portal, err)
	}
	return bytes.Clone(out.Bytes()), nil
}

// packers are kept: each takes a megabyte to make.
var packers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // the level is a valid one
	return w
}}

func (p packed) stack() (*stack.Stack, error) {
	s := &stack.Stack{}
	if err := json.NewDecoder(flate.NewReader(bytes.NewReader(p))).Decode(s); err != nil {
		return nil, fmt.Errorf("reading a planned stack: %w", err)
	}
	return s, nil
}
