// SPDX-License-Identifier: MPL-2.0

package member

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// GivenName is the name of the file of a secret that the user gave with a
// version. Another version is another file: containers that run keep theirs, and
// a replacement that fails is rolled back to it.
func GivenName(m stack.Member, what string, version types.Int64) string {
	return fmt.Sprintf("%s-%s-v%d", strings.ReplaceAll(m.Owner(), "/", "-"), what, version.ValueInt64())
}

var givenVersion = regexp.MustCompile(`-v([0-9]+)$`)

// VersionOf is the version in the names of given secrets' files, null when there
// are none. Those of one version have all the same.
func VersionOf(names ...string) types.Int64 {
	for _, name := range names {
		if found := givenVersion.FindStringSubmatch(name); found != nil {
			if version, err := strconv.ParseInt(found[1], 10, 64); err == nil {
				return types.Int64Value(version)
			}
		}
	}
	return types.Int64Null()
}

// AddGiven puts the names of the write-only secret files into a member. Of
// their configuration, which is in no plan, only the keys have to be known.
func (c Container) AddGiven(m *stack.Member, configured types.Map) {
	for target := range configured.Elements() {
		if m.GivenSecrets == nil {
			m.GivenSecrets = map[string]string{}
		}
		sum := sha256.Sum256([]byte(target))
		m.GivenSecrets[target] = GivenName(*m, hex.EncodeToString(sum[:4]), c.SecretFilesWOVersion)
	}
}

// Contents are those of a member's given secrets, by the names of their files.
func Contents(m stack.Member, configured types.Map) (map[string]string, diag.Diagnostics) {
	contents := make(map[string]string, len(m.GivenSecrets))
	var diags diag.Diagnostics
	for target, value := range configured.Elements() {
		content, ok := value.(types.String)
		if !ok || content.IsNull() || content.IsUnknown() {
			diags.AddAttributeError(path.Root("secret_files_wo"), "A secret file without content",
				fmt.Sprintf("The content of %s is null. Give a text, or leave the file out.", target))
			continue
		}
		contents[m.GivenSecrets[target]] = content.ValueString()
	}
	return contents, diags
}
