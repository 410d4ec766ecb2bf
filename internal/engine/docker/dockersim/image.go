// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/moby/docker-image-spec/specs-go/v1"
)

// simImage is an image under one reference.
type simImage struct {
	id      string // "sha256:…"
	created time.Time
	command []string
	labels  map[string]string
}

// withTag completes a reference: "busybox" is "busybox:latest".
func withTag(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	return reference.FamiliarString(reference.TagNameOnly(named))
}

// addImage makes an image whose id follows from its reference. It has a command,
// as images have.
func (h *Host) addImage(ref string) *simImage {
	sum := sha256.Sum256([]byte(ref))
	i := &simImage{id: "sha256:" + hex.EncodeToString(sum[:]), created: time.Now(), command: []string{"serve"}}
	h.images[withTag(ref)] = i
	return i
}

// imageNamed finds an image by reference or id, nil when there is none. The
// caller holds the lock.
func (h *Host) imageNamed(ref string) *simImage {
	if i := h.images[ref]; i != nil {
		return i
	}
	if i := h.images[withTag(ref)]; i != nil {
		return i
	}
	id := strings.TrimPrefix(ref, "sha256:")
	if len(id) < 12 {
		return nil
	}
	for _, i := range h.images {
		if strings.HasPrefix(i.id, "sha256:"+id) {
			return i
		}
	}
	return nil
}

// tagsOf are the references of an image.
func (h *Host) tagsOf(i *simImage) []string {
	tags := []string{}
	for ref, other := range h.images {
		if other.id == i.id && ref != i.id {
			tags = append(tags, ref)
		}
	}
	slices.Sort(tags)
	return tags
}

func (h *Host) inspectImage(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	name, isInspect := strings.CutSuffix(r.PathValue("nameAndVerb"), "/json")
	if !isInspect {
		return unknown(nil, nil)
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	i := h.imageNamed(name)
	if i == nil {
		return 0, nil, refuse(http.StatusNotFound, "No such image: %s", withTag(name))
	}
	out := image.InspectResponse{
		ID: i.id, RepoTags: h.tagsOf(i), Created: timeText(i.created), Os: "linux", Architecture: runtime.GOARCH,
		Config: &v1.DockerOCIImageConfig{},
	}
	out.Config.Cmd, out.Config.Labels = i.command, i.labels
	return http.StatusOK, out, nil
}

func (h *Host) listImages(http.ResponseWriter, *http.Request) (int, any, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := []image.Summary{}
	seen := map[string]bool{}
	for _, i := range h.images {
		if !seen[i.id] {
			seen[i.id] = true
			out = append(out, image.Summary{ID: i.id, RepoTags: h.tagsOf(i), Created: i.created.Unix(), Labels: i.labels})
		}
	}
	return http.StatusOK, out, nil
}

func (h *Host) removeImage(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	name := r.PathValue("nameAndVerb")
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.imageNamed(name)
	if i == nil {
		return 0, nil, refuse(http.StatusNotFound, "No such image: %s", withTag(name))
	}
	delete(h.images, withTag(name))
	h.relist()
	return http.StatusOK, []image.DeleteResponse{{Untagged: withTag(name)}}, nil
}

// relist makes lists tell anew what references name.
func (h *Host) relist() {
	for _, c := range h.containers {
		c.changed()
	}
}

// createImage imports, or pulls. There is no registry: a pull fails as it does
// where none can be reached.
func (h *Host) createImage(w http.ResponseWriter, r *http.Request) (int, any, error) {
	q := r.URL.Query()
	if from := q.Get("fromImage"); from != "" {
		if _, err := reference.ParseNormalizedNamed(from); err != nil {
			return 0, nil, refuse(http.StatusBadRequest, "invalid reference format")
		}
		named, _ := reference.ParseNormalizedNamed(from)
		domain := reference.Domain(named)
		return 0, nil, refuse(http.StatusInternalServerError, "Get \"https://%s/v2/\": dial tcp: lookup %s: no such host", domain, domain)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, r.Body); err != nil {
		return 0, nil, err
	}
	ref := q.Get("repo")
	if tag := q.Get("tag"); tag != "" {
		ref += ":" + tag
	}
	h.mu.Lock()
	i := h.addImage(ref)
	for _, change := range q["changes"] {
		_, _ = io.WriteString(sum, change)
		i.change(change)
	}
	i.id = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	h.relist()
	h.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": i.id})
	return 0, nil, nil
}

// change understands two instructions of a Dockerfile.
func (i *simImage) change(instruction string) {
	if command, ok := strings.CutPrefix(instruction, "CMD "); ok {
		_ = json.Unmarshal([]byte(command), &i.command)
	}
	if label, ok := strings.CutPrefix(instruction, "LABEL "); ok {
		name, value, _ := strings.Cut(label, "=")
		if i.labels == nil {
			i.labels = map[string]string{}
		}
		i.labels[name] = value
	}
}

// pruneImages removes nothing: no image here is as old as those that this
// program prunes.
func (h *Host) pruneImages(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	if _, err := filters.FromJSON(r.URL.Query().Get("filters")); err != nil {
		return 0, nil, refuse(http.StatusBadRequest, "%v", err)
	}
	return http.StatusOK, image.PruneReport{ImagesDeleted: []image.DeleteResponse{}}, nil
}
