// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"context"
	"fmt"
	"math"
	"net"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// checkSpec checks what needs no blueprint.
func (b *builder) checkSpec(opts Options) {
	if err := stack.ValidateName(b.spec.Name); err != nil {
		b.problem("name", "The portal's name is not valid", "%s.", err)
	}
	if !path.IsAbs(opts.StoragePath) || path.Clean(opts.StoragePath) != opts.StoragePath || opts.StoragePath == "/" {
		b.problem("", "The storage path is not valid", "%q is not an absolute path on the hosts such as \"/srv/portals\".", opts.StoragePath)
	}
	b.checkHostname("domain", b.spec.Domain)
	b.checkHostname("studio_domain", b.spec.StudioDomain)
	if b.spec.Domain != "" && b.spec.Domain == b.spec.StudioDomain {
		b.problem("studio_domain", "The two domains are the same", "The lms and the cms are told apart by their hostnames; for example studio.%s.", b.spec.Domain)
	}
	b.checkEntrance()
	for _, role := range sortedKeys(b.spec.Images) {
		b.checkImage("images."+role, b.spec.Images[role])
	}
	for _, name := range sortedKeys(b.spec.Services) {
		b.checkTuning("services."+name, b.spec.Services[name])
	}
}

func (b *builder) checkTuning(at string, t stack.Tuning) {
	if t.Image != "" {
		b.checkImage(at+".image", t.Image)
	}
	b.checkMemory(at+".memory", t.Memory)
	b.checkCPUs(at+".cpus", t.CPUs)
	b.checkVariables(at+".environment", t.Environment)
}

// checkMemory checks a limit in bytes; zero is none.
func (c *collector) checkMemory(attribute string, limit int64) {
	if limit != 0 && limit < minMemory {
		c.problem(attribute, "The memory limit is too low", "Docker takes 6 MiB (\"6m\") or more.")
	}
}

// checkCPUs checks a limit in cores; zero is none.
func (c *collector) checkCPUs(attribute string, limit float64) {
	if limit < 0 || limit != 0 && limit < 0.01 || math.IsNaN(limit) || math.IsInf(limit, 0) {
		c.problem(attribute, "The processor limit is not valid", "Give a number of cores of at least 0.01, for example 1.5.")
	}
}

func (c *collector) checkVariables(attribute string, environment map[string]string) {
	for _, name := range sortedKeys(environment) {
		if !environmentRE.MatchString(name) {
			c.problem(attribute, "The name of a variable is not valid", "%q must begin with a letter or an underscore and hold letters, digits, underscores, dots and dashes.", name)
		}
		if strings.ContainsRune(environment[name], 0) {
			c.problem(attribute, "The value of a variable is not valid", "%s holds a NUL character.", name)
		}
	}
}

func (c *collector) checkImage(attribute, image string) {
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		c.problem(attribute, "The image reference is not valid", "%q: %s. Write it as for `docker pull`, for example \"registry.example.com/edxapp:hawthorn.2\".", image, err)
	}
}

// One label of a hostname.
var labelRE = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// validHostname tells what is wrong with a hostname in words, "" when nothing.
func validHostname(host string) string {
	switch {
	case host == "":
		return "it is empty"
	case len(host) > 253:
		return "it is longer than 253 characters"
	case strings.Contains(host, "://"):
		return "it has a scheme; write the hostname alone"
	case strings.Contains(host, ":"):
		return "it has a port; write the hostname alone"
	case net.ParseIP(host) != nil:
		return "it is an address; portals are told apart by their hostnames"
	case host != strings.ToLower(host):
		return "it has upper-case letters; write " + strings.ToLower(host)
	}
	for label := range strings.SplitSeq(host, ".") {
		if !labelRE.MatchString(label) {
			return fmt.Sprintf("%q is not a part of a hostname: use letters, digits and hyphens between them", label)
		}
	}
	return ""
}

func (b *builder) checkHostname(attribute, host string) {
	if wrong := validHostname(host); wrong != "" {
		b.problem(attribute, "The hostname is not valid", "%q: %s; for example \"learn.acme.com\".", host, wrong)
	}
}

// checkNames checks the names in the Spec against those of the blueprint, and
// the blueprint's own against what they become on the drive and in Docker.
func (b *builder) checkNames(context.Context) {
	var profiles, roles []string
	for _, name := range b.allServices() {
		c := b.project.AllServices()[name]
		profiles = append(profiles, c.Profiles...)
		if x, ok := c.Extensions[extensionKey].(map[string]any); ok {
			if role, ok := x["role"].(string); ok {
				roles = append(roles, role)
			}
		}
	}
	for _, addon := range b.spec.Addons {
		if !slices.Contains(profiles, addon) {
			b.problem("addons", "There is no such add-on", "%q is not an add-on (a Compose profile) of %s.%s", addon, b.folder.display(), suggest(addon, unique(profiles)))
		}
	}
	for _, role := range sortedKeys(b.spec.Images) {
		if !slices.Contains(roles, role) {
			b.problem("images."+role, "There is no such image role", "%q is not a role of %s.%s", role, b.folder.display(), suggest(role, unique(roles)))
		}
	}
	for _, name := range sortedKeys(b.spec.Services) {
		if _, on := b.project.Services[name]; on {
			continue
		}
		if c, off := b.project.DisabledServices[name]; off {
			b.problem("services."+name, "The service is not turned on", "%q belongs to an add-on: add %q to addons, or leave the service out.", name, c.Profiles[0])
			continue
		}
		b.problem("services."+name, "There is no such service", "%q is not a service of %s.%s", name, b.folder.display(), suggest(name, b.allServices()))
	}
	for section, names := range map[string][]string{
		"services": b.project.ServiceNames(), "volumes": b.project.VolumeNames(), "networks": b.project.NetworkNames(),
		"configs": b.project.ConfigNames(), "secrets": b.project.SecretNames(),
	} {
		for _, name := range names {
			if !validName(name) {
				b.refuse(section+"."+name, "the name becomes part of a file or container name: %s", nameRule)
			}
		}
	}
}

const nameRule = "begin with a letter or digit, and use at most 63 letters, digits, dots, hyphens and underscores"

// validName tells whether a name can be that of a container and of a file.
func validName(name string) bool { return secretRE.MatchString(name) && len(name) <= 63 }

func unique(names []string) []string {
	sorted := slices.Sorted(slices.Values(names))
	return slices.Compact(sorted)
}

// tune lays the Spec's changes over a service.
func (b *builder) tune(s *stack.Service, x serviceExtension) {
	if image := b.spec.Images[x.role]; x.role != "" && image != "" {
		s.Image = image
	}
	t := b.spec.Services[s.Name]
	if t.Image != "" {
		s.Image = t.Image
	}
	if t.Replicas != nil {
		s.Replicas = *t.Replicas
	}
	if t.Memory != 0 {
		s.Resources.Memory = t.Memory
		// A reservation above the limit would be refused by Docker.
		s.Resources.MemoryReservation = min(s.Resources.MemoryReservation, t.Memory)
	}
	if t.CPUs != 0 {
		s.Resources.CPUs = t.CPUs
	}
	for name, value := range t.Environment {
		s.Environment[name] = value
	}
}

// resolveImages checks every service's image and notes the roles without one,
// all of them in one problem with the block to paste.
func (b *builder) resolveImages() {
	missing := map[string][]string{}
	for _, name := range sortedKeys(b.stack.Services) {
		s := b.stack.Services[name]
		switch {
		case s.Image != "":
			if _, err := reference.ParseNormalizedNamed(s.Image); err != nil {
				b.refuse("services."+name+".image", "%q is not an image reference: %s", s.Image, err)
			}
		case s.Role != "":
			missing[s.Role] = append(missing[s.Role], name)
		default:
			b.refuse("services."+name+".image", "it has no image; give one, or a role with `x-portal: {role: …}` and the image in the resource's `images`")
		}
	}
	if len(missing) == 0 {
		return
	}
	var needs, block strings.Builder
	width := 0
	for role := range missing {
		width = max(width, len(hclKey(role)))
	}
	for _, role := range sortedKeys(missing) {
		fmt.Fprintf(&needs, "  - %s: needed by %s\n", role, strings.Join(missing[role], ", "))
		fmt.Fprintf(&block, "    %-*s = \"registry.example.com/%s:tag\"\n", width, hclKey(role), role)
	}
	b.problem("images", "Images are missing", "There is no public image for these roles:\n%sBuild them after the guide \"Bring your own images\" and name them:\n\n  images = {\n%s  }\n\nImages that are given already stay in the same map.", needs.String(), block.String())
}

// hclKey writes a key of an HCL map.
func hclKey(name string) string { return fmt.Sprintf("%q", name) }
