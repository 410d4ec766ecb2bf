// SPDX-License-Identifier: MPL-2.0

// Package wire is what a storage session and the file agent say to each other:
// net/rpc over the agent's standard input and output. It is internal to the two
// ends; callers use package storage.
package wire

import (
	"fmt"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Protocol is raised with every change of the calls or types of this package.
const Protocol = 4

// Greeting begins the line that the agent writes before anything else. The
// protocol's number follows.
const Greeting = "portal-file-agent "

// GreetingLine is that line, in full.
func GreetingLine() string { return fmt.Sprintf("%s%d\n", Greeting, Protocol) }

// The names under which an agent offers its methods: that of one portal, or
// that of the whole drive, which only reads.
const (
	Service       = "Files"
	ReaderService = "Reader"
)

// None is an argument or reply without content.
type None struct{}

// DriveArgs say which drive is expected.
type DriveArgs struct {
	// ID that the drive must have; empty accepts any.
	ID string
	// Existing refuses a directory that is no drive yet.
	Existing bool
}

// DriveReply is the id of the drive.
type DriveReply struct{ ID string }

// Holder tells who holds a portal's lock.
type Holder struct {
	// Owner is a person or a run ("ops@laptop", "run-8fJx").
	Owner string `json:"owner"`
	// Host the provider runs on.
	Host string `json:"host"`
	// Operation under way ("create", "update", "delete").
	Operation string `json:"operation"`
	// Since is when the lock was taken, by the clock of the agent's host.
	Since time.Time `json:"since"`
}

// Place is what stands at a portal's directory.
type Place string

// The places the agent tells apart.
const (
	PlaceNone    Place = "none"    // nothing
	PlacePortal  Place = "portal"  // a directory with a manifest
	PlaceForeign Place = "foreign" // something else
)

// ManifestReply holds the manifest's bytes when Place is PlacePortal.
type ManifestReply struct {
	Place Place
	Data  []byte
}

// SaveManifestArgs is the manifest to write.
type SaveManifestArgs struct{ Data []byte }

// PrepareArgs is what a portal's directory must hold.
type PrepareArgs struct {
	Directories map[string]stack.Directory
	Secrets     map[string]stack.Secret
	Files       map[string]stack.File
	// Bare makes the Directories alone: a gateway has nothing else of a portal's.
	Bare bool
}

// InstallReply is where the agent's own program is, as a path on the hosts.
type InstallReply struct{ Path string }

// PruneArgs are the paths of the files that are still needed.
type PruneArgs struct{ Keep []string }

// ArchiveReply is where the portal's directory went, as a path on the hosts.
type ArchiveReply struct{ Path string }

// ReadArgs is a path within the portal's directory.
type ReadArgs struct{ Path string }

// ReadReply is a file's content and its hash.
type ReadReply struct {
	Data []byte
	Hash string
}

// WriteArgs replaces a file.
type WriteArgs struct {
	Path string
	Data []byte
	// IfHash is the hash the file must have now: Absent, or one that Hash gave.
	IfHash string
	// Mode, UID and GID of a file that is not there yet.
	Mode     uint32
	UID, GID int
}

// NameArgs is the name of a record, or of a secret that a user gave.
type NameArgs struct{ Name string }

// WriteRecordArgs replaces a record.
type WriteRecordArgs struct {
	Name string
	Data []byte
}

// RecordsReply holds all records by name.
type RecordsReply struct{ Records map[string][]byte }

// WriteIngressArgs are configurations of load balancers, by the names of their
// files.
type WriteIngressArgs struct{ Configs map[string][]byte }

// PruneIngressArgs are the files beside the configurations that are in use.
type PruneIngressArgs struct{ Keep []string }

// WriteIngressFilesArgs are files beside the load balancer's configuration.
type WriteIngressFilesArgs struct {
	// Public files, by name, are readable by all.
	Public map[string][]byte
	// Private names those that the load balancer's user alone reads. One without
	// Contents must be there already.
	Private  []string
	Contents map[string][]byte
	UID, GID int
}

// CertificatesArgs asks a reader for the certificates that a portal's load
// balancer got.
type CertificatesArgs struct {
	// StorageID that the drive must have; empty accepts any.
	StorageID string
	Portal    string
	// Folder of Caddy's storage, relative to the portal's directory.
	Folder string
}

// CertificatesReply holds the chains in PEM by hostname.
type CertificatesReply struct{ Chains map[string][]byte }

// SecretsReply holds the generated secrets by name.
type SecretsReply struct{ Values map[string]string }

// SecretFileArgs replaces a secret that a user gave.
type SecretFileArgs struct {
	Name     string
	Data     []byte
	UID, GID int
}

// NamesReply holds names of files.
type NamesReply struct{ Names []string }

// SnapshotArgs asks a reader for a portal.
type SnapshotArgs struct {
	// StorageID that the drive must have; empty accepts any.
	StorageID string
	Portal    string
	// ManifestOnly leaves out all else.
	ManifestOnly bool
}

// SnapshotReply is what a reader found of a portal. Everything but Manifest is
// empty unless its Place is PlacePortal.
type SnapshotReply struct {
	Manifest ManifestReply
	// Overrides are nil when the file is not there.
	Overrides *ReadReply
	Records   map[string][]byte
}
