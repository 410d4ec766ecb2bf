// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// model is a Compose file after the loader's work, with marks where a portal's
// own values belong.
type model struct {
	variables   *variables
	dict        map[string]any
	unsupported []loader.UnsupportedAttribute
	options     *loader.Options
}

// models remembers the files that were loaded. Loading costs far more than all
// the rest, and dozens of portals in a run have the same blueprint.
var models = struct {
	sync.Mutex
	known map[string]*model
}{known: map[string]*model{}}

// model loads the folder's Compose file, which text and document hold. The
// model is never nil: it tells about variables even when loading fails.
func (f *folder) model(ctx context.Context, text []byte, document map[string]any, values map[string]string) (*model, error) {
	// Another file that this one extends may change without it, and hold any
	// text: it is loaded afresh, with the portal's values as the marks.
	if bytes.Contains(text, []byte("extends")) {
		return f.loadModel(ctx, newVariables(values), document)
	}
	models.Lock()
	defer models.Unlock()
	key := fmt.Sprintf("%s %x", f.display(), sha256.Sum256(text))
	if m, ok := models.known[key]; ok {
		return m, nil
	}
	m, err := f.loadModel(ctx, newVariables(marks(text)), document)
	if err == nil {
		models.known[key] = m
	}
	return m, err
}

func (f *folder) loadModel(ctx context.Context, v *variables, document map[string]any) (m *model, err error) {
	m = &model{variables: v}
	defer guard(&err)
	markGenerated(document)
	delete(document, "version") // obsolete, and the loader would log it
	details := types.ConfigDetails{
		WorkingDir:  f.path,
		ConfigFiles: []types.ConfigFile{{Filename: f.display(), Config: document}},
		Environment: maps.Clone(types.Mapping(v.marks)),
	}
	m.dict, err = loader.LoadModelWithContext(ctx, details, func(o *loader.Options) {
		m.options = o
		o.SetProjectName(v.marks["COMPOSE_PROJECT_NAME"], true)
		o.Interpolate.Substitute = v.substitute
		o.Interpolate.LookupValue = v.lookup
		// Files are read by this package, within the folder.
		o.ResolvePaths = false
		o.SkipInclude = true
		o.SkipResolveEnvironment = true
		o.SkipResolveLabels = true
		o.ResourceLoaders = []loader.ResourceLoader{outside{f.path}}
		// This package checks more, and collects what it finds.
		o.SkipConsistencyCheck = true
		o.SkipNormalization = true
	}, loader.WithSupportedAttributes(supportedPaths(), func(found []loader.UnsupportedAttribute) { m.unsupported = found }))
	return m, err
}

// guard turns a panic of the loader into an error. It is made for files that
// their own users wrote; one that trips it must not end the provider, which
// serves other portals.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the file has a form that the Compose loader does not understand (%v); `docker compose config` may say where", r)
	}
}

// project fills in one portal's values.
func (m *model) project(spec stack.Spec, values map[string]string) (p *types.Project, err error) {
	defer guard(&err)
	var pairs []string
	for _, name := range sortedKeys(m.variables.marks) {
		pairs = append(pairs, m.variables.marks[name], values[name])
	}
	fill := filler{texts: strings.NewReplacer(pairs...), ports: map[int]int{}}
	for name, port := range map[string]int{portVariable: spec.PublishedHTTP(), httpsPortVariable: spec.PublishedHTTPS()} {
		mark, err := strconv.Atoi(m.variables.marks[name])
		if err != nil {
			return nil, err
		}
		fill.ports[mark] = port
	}
	dict, ok := fill.value(m.dict).(map[string]any)
	if !ok {
		return nil, errors.New("the file is not a mapping")
	}
	options := *m.options
	options.Profiles = spec.Addons
	options.SetProjectName(spec.Name, true)
	return loader.ModelToProject(dict, &options, types.ConfigDetails{Environment: types.Mapping{}})
}

// filler copies a model with the marks replaced.
type filler struct {
	texts *strings.Replacer
	ports map[int]int // ports by their marks, where the loader made them numbers
}

func (f filler) value(value any) any {
	switch v := value.(type) {
	case string:
		return f.texts.Replace(v)
	case int:
		if port, marked := f.ports[v]; marked {
			return port
		}
		return v
	case map[string]any:
		filled := make(map[string]any, len(v))
		for key, e := range v {
			filled[f.texts.Replace(key)] = f.value(e)
		}
		return filled
	case []any:
		filled := make([]any, len(v))
		for i, e := range v {
			filled[i] = f.value(e)
		}
		return filled
	default:
		return v
	}
}
