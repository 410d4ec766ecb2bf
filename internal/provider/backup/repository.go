// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Where the backup task reads what opens its repository.
const (
	credentialsFile = "/portal/secrets/repository.env"
	sshKeyFile      = "/portal/secrets/repository-ssh-key"
	knownHostsFile  = "/portal/secrets/repository-known-hosts"
)

// Credentials that are files of their own, and no variables.
const (
	sshPrivateKey = "SSH_PRIVATE_KEY"
	sshKnownHosts = "SSH_KNOWN_HOSTS"
)

const (
	sftpScheme = "sftp"
	repository = "RESTIC_REPOSITORY"
)

// secretFile is one of the files that credentials are made into.
type secretFile struct {
	target string
	// what it is, in the name of the file on the drive.
	what string
}

var (
	environmentFile = secretFile{credentialsFile, "repository-env"}
	ownFiles        = map[string]secretFile{
		sshPrivateKey: {sshKeyFile, "ssh-key"},
		sshKnownHosts: {knownHostsFile, "known-hosts"},
	}
)

// filesOf are the files that credentials with these names make.
func filesOf(names []string) []secretFile {
	var files []secretFile
	if slices.ContainsFunc(names, func(name string) bool { return ownFiles[name] == secretFile{} }) {
		files = append(files, environmentFile)
	}
	for _, name := range []string{sshPrivateKey, sshKnownHosts} {
		if slices.Contains(names, name) {
			files = append(files, ownFiles[name])
		}
	}
	return files
}

// contentsOf are the contents of those files, by where they are mounted.
func contentsOf(credentials map[string]string) map[string]string {
	contents := map[string]string{}
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(credentials)) {
		if file, own := ownFiles[name]; own {
			// ssh refuses a key without an end of line.
			contents[file.target] = strings.TrimRight(credentials[name], "\r\n") + "\n"
			continue
		}
		fmt.Fprintf(&lines, "%s=%s\n", name, credentials[name])
	}
	if lines.Len() > 0 {
		contents[credentialsFile] = lines.String()
	}
	return contents
}

// schemes that restic has a repository elsewhere for.
var schemes = []string{"s3", sftpScheme, "rest", "b2", "azure", "swift"}

func schemeOf(address string) string {
	scheme, _, _ := strings.Cut(address, ":")
	return scheme
}

// repositoryAddress checks the address of a repository elsewhere.
type repositoryAddress struct{}

const repositoryDescription = "the address of a restic repository"

func (repositoryAddress) Description(context.Context) string { return repositoryDescription }

func (repositoryAddress) MarkdownDescription(context.Context) string { return repositoryDescription }

// ValidateString finds addresses that cannot work, and those that hold a
// password. Such a one is not repeated in the error.
func (repositoryAddress) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if problem := addressProblem(req.ConfigValue.ValueString()); problem != "" {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value for repository", problem)
	}
}

// addressProblem says what is wrong with an address, and what to write instead.
func addressProblem(address string) string {
	scheme, rest, found := strings.Cut(address, ":")
	switch {
	case strings.HasPrefix(address, "/") || scheme == "local":
		return fmt.Sprintf("%q is a directory in the container, which is lost with it. Leave repository out for one in the portal's backups/ on the shared drive.", address)
	case !found || !slices.Contains(schemes, scheme) || rest == "":
		return fmt.Sprintf("repository must begin with one of %s: and go on as restic wants it, for example \"s3:https://s3.example.com/bucket/acme\" or \"sftp:backup@host:/srv/acme\".", strings.Join(schemes, ":, "))
	case strings.ContainsAny(address, " \t\r\n"):
		return "repository must not hold spaces or line breaks."
	case hasPassword(rest):
		return "repository holds a password, which everybody who can read the state would see. Take it out, and give it in credentials_wo, for example as RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD."
	}
	return ""
}

func hasPassword(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return false
	}
	_, set := u.User.Password()
	return set
}

// credentialNames checks the names in the map of credentials, and that values
// fit into a line. Values are in no message.
type credentialNames struct{}

const credentialDescription = "environment variables that restic reads"

func (credentialNames) Description(context.Context) string         { return credentialDescription }
func (credentialNames) MarkdownDescription(context.Context) string { return credentialDescription }

// ValidateMap looks at each credential by itself.
func (credentialNames) ValidateMap(_ context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	elements := req.ConfigValue.Elements()
	for _, name := range slices.Sorted(maps.Keys(elements)) {
		if value, ok := elements[name].(types.String); ok && !value.IsUnknown() {
			if problem := credentialProblem(name, value); problem != "" {
				resp.Diagnostics.AddAttributeError(req.Path, "Invalid value for credentials_wo", problem)
			}
		}
	}
}

var variableName = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// credentialProblem says what is wrong with one credential.
func credentialProblem(name string, value types.String) string {
	switch {
	case !variableName.MatchString(name):
		return fmt.Sprintf("%q is not the name of a variable: use upper-case letters, digits and underscores, for example AWS_ACCESS_KEY_ID.", name)
	case name == repository:
		return "RESTIC_REPOSITORY is no secret: give it in the attribute repository."
	case value.ValueString() == "":
		return fmt.Sprintf("%s has no value. Give one, or leave it out.", name)
	case strings.Contains(value.ValueString(), "\x00"),
		ownFiles[name] == secretFile{} && strings.ContainsAny(value.ValueString(), "\r\n"):
		return fmt.Sprintf("%s holds a line break, which a variable for the backup cannot. Of the content of a file, trimspace() takes the last one off.", name)
	}
	return ""
}
