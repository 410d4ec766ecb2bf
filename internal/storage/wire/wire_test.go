// SPDX-License-Identifier: MPL-2.0

package wire_test

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

func TestErrorsCrossThePipe(t *testing.T) {
	holder := &wire.Holder{Owner: "ann", Operation: "update"}
	locked := fmt.Errorf("locking: %w", &wire.Error{Code: wire.Locked, Text: "held", Holder: holder})
	got := wire.Decode(wire.Encode(locked).Error())
	if got.Code != wire.Locked || got.Text != "locking: held" || got.Holder == nil || *got.Holder != *holder {
		t.Errorf("got %+v", got)
	}
	joined := errors.Join(&wire.Error{Code: wire.NoSpace, Text: "full"}, errors.New("and more"))
	if got := wire.Decode(wire.Encode(joined).Error()); got.Code != wire.NoSpace || got.Text != "full\nand more" {
		t.Errorf("got %+v", got)
	}
	if got := wire.Decode(wire.Encode(errors.New(`odd "text"`)).Error()); got.Code != wire.Other || got.Text != `odd "text"` {
		t.Errorf("got %+v", got)
	}
	if got := wire.Decode("rpc: can't find method"); got.Code != wire.Other || got.Text != "rpc: can't find method" {
		t.Errorf("got %+v", got)
	}
	if wire.Encode(nil) != nil {
		t.Error("no error became one")
	}
	if err := (&wire.Error{Code: wire.NotExist}); !errors.Is(err, fs.ErrNotExist) || errors.Is(&wire.Error{Code: wire.Other}, fs.ErrNotExist) {
		t.Error("NotExist is not fs.ErrNotExist")
	}
}

// A provider and an agent of different builds understand each other only while
// these types stay as they are: when this test fails, raise Protocol and put the
// new shape here.
func TestProtocolShape(t *testing.T) {
	const protocol = 4
	const want = `
Drive{ID string; Existing bool}
Holder{Owner string; Host string; Operation string; Since time.Time}
Prepare{Directories map[string]stack.Directory{UID int; GID int; Mode uint32}; Secrets map[string]stack.Secret{Length int; UID int; GID int}; Files map[string]stack.File{Content []uint8; Mode uint32; UID int; GID int; Template bool}; Bare bool}
Install{Path string}
Manifest{Place wire.Place; Data []uint8}
Write{Path string; Data []uint8; IfHash string; Mode uint32; UID int; GID int}
Read{Data []uint8; Hash string}
Name{Name string}
WriteRecord{Name string; Data []uint8}
Secrets{Values map[string]string}
WriteIngress{Configs map[string][]uint8}
PruneIngress{Keep []string}
WriteIngressFiles{Public map[string][]uint8; Private []string; Contents map[string][]uint8; UID int; GID int}
Certificates{StorageID string; Portal string; Folder string}
CertificatesReply{Chains map[string][]uint8}
SecretFile{Name string; Data []uint8; UID int; GID int}
Names{Names []string}
SnapshotArgs{StorageID string; Portal string; ManifestOnly bool}
Snapshot{Manifest wire.ManifestReply; Overrides *wire.ReadReply; Records map[string][]uint8}`
	var got strings.Builder
	for _, c := range []struct {
		name string
		of   any
	}{
		{"Drive", wire.DriveArgs{}},
		{"Holder", wire.Holder{}},
		{"Prepare", wire.PrepareArgs{}},
		{"Install", wire.InstallReply{}},
		{"Manifest", wire.ManifestReply{}},
		{"Write", wire.WriteArgs{}},
		{"Read", wire.ReadReply{}},
		{"Name", wire.NameArgs{}},
		{"WriteRecord", wire.WriteRecordArgs{}},
		{"Secrets", wire.SecretsReply{}},
		{"WriteIngress", wire.WriteIngressArgs{}},
		{"PruneIngress", wire.PruneIngressArgs{}},
		{"WriteIngressFiles", wire.WriteIngressFilesArgs{}},
		{"Certificates", wire.CertificatesArgs{}},
		{"CertificatesReply", wire.CertificatesReply{}},
		{"SecretFile", wire.SecretFileArgs{}},
		{"Names", wire.NamesReply{}},
		{"SnapshotArgs", wire.SnapshotArgs{}},
		{"Snapshot", wire.SnapshotReply{}},
	} {
		fmt.Fprintf(&got, "\n%s%s", c.name, shape(reflect.TypeOf(c.of)))
	}
	if got.String() != want || wire.Protocol != protocol {
		t.Errorf("protocol %d:%s", wire.Protocol, got.String())
	}
}

// shape lists a struct's fields, and those of the structs in its maps.
func shape(t reflect.Type) string {
	var fields []string
	for f := range t.Fields() {
		text := f.Name + " " + f.Type.String()
		if f.Type.Kind() == reflect.Map && f.Type.Elem().Kind() == reflect.Struct {
			text += shape(f.Type.Elem())
		}
		fields = append(fields, text)
	}
	return "{" + strings.Join(fields, "; ") + "}"
}
