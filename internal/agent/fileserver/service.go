// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// service is what net/rpc offers to the session: each method takes the lock on
// changes that it needs, and makes its error ready for the pipe.
type service struct {
	hearing
	s *server
}

// Drive checks the drive; it comes before everything else.
func (v *service) Drive(args wire.DriveArgs, reply *wire.DriveReply) error {
	return v.do(func() (err error) {
		reply.ID, err = v.s.checkDrive(args)
		return err
	})
}

// Lock tries to take the portal's lock, once.
func (v *service) Lock(holder wire.Holder, _ *wire.None) error {
	return v.checked(func() error { return v.s.tryLock(holder) })
}

// Unlock gives the lock back, if it is held.
func (v *service) Unlock(_ wire.None, _ *wire.None) error {
	return v.do(v.s.unlock)
}

// Manifest reads the portal's manifest.
func (v *service) Manifest(_ wire.None, reply *wire.ManifestReply) error {
	return v.checked(func() (err error) {
		*reply, err = v.s.manifest()
		return err
	})
}

// SaveManifest writes it, and makes the portal's directory the first time.
func (v *service) SaveManifest(args wire.SaveManifestArgs, _ *wire.None) error {
	return v.locked(func() error { return v.s.saveManifest(args.Data) })
}

// Prepare makes what a stack needs in the portal's directory.
func (v *service) Prepare(args wire.PrepareArgs, _ *wire.None) error {
	return v.locked(func() error { return v.s.prepare(args) })
}

// Install puts the agent's own program on the drive.
func (v *service) Install(_ wire.None, reply *wire.InstallReply) error {
	return v.locked(func() (err error) {
		reply.Path, err = v.s.install()
		return err
	})
}

// Prune removes rendered files that are needed no more.
func (v *service) Prune(args wire.PruneArgs, _ *wire.None) error {
	return v.locked(func() error { return v.s.prune(args.Keep) })
}

// Archive moves the portal's directory away.
func (v *service) Archive(_ wire.None, reply *wire.ArchiveReply) error {
	return v.locked(func() (err error) {
		reply.Path, err = v.s.archive(time.Now())
		return err
	})
}

// Delete removes the portal's directory.
func (v *service) Delete(_ wire.None, _ *wire.None) error {
	return v.locked(v.s.delete)
}

// ReadFile reads a file of the overrides directory.
func (v *service) ReadFile(args wire.ReadArgs, reply *wire.ReadReply) error {
	return v.checked(func() (err error) {
		*reply, err = v.s.readFile(args.Path)
		return err
	})
}

// WriteFile replaces one.
func (v *service) WriteFile(args wire.WriteArgs, _ *wire.None) error {
	return v.locked(func() error { return v.s.writeFile(args) })
}

// ReadRecord reads a record.
func (v *service) ReadRecord(args wire.NameArgs, reply *wire.ReadReply) error {
	return v.checked(func() (err error) {
		*reply, err = v.s.readRecord(args.Name)
		return err
	})
}

// Records reads all records.
func (v *service) Records(_ wire.None, reply *wire.RecordsReply) error {
	return v.checked(func() (err error) {
		reply.Records, err = v.s.records()
		return err
	})
}

// WriteRecord makes or replaces one.
func (v *service) WriteRecord(args wire.WriteRecordArgs, _ *wire.None) error {
	return v.locked(func() error { return v.s.writeRecord(args.Name, args.Data) })
}

// RemoveRecord removes one.
func (v *service) RemoveRecord(args wire.NameArgs, _ *wire.None) error {
	return v.locked(func() error { return v.s.removeRecord(args.Name) })
}

// WriteIngress replaces configurations of load balancers.
func (v *service) WriteIngress(args wire.WriteIngressArgs, _ *wire.None) error {
	return v.locked(func() error { return v.s.writeIngress(args.Configs) })
}

// PruneIngress removes files that no configuration names.
func (v *service) PruneIngress(args wire.PruneIngressArgs, _ *wire.None) error {
	return v.locked(func() error { return v.s.pruneIngress(args.Keep) })
}

// WriteIngressFiles puts files beside it.
func (v *service) WriteIngressFiles(args wire.WriteIngressFilesArgs, _ *wire.None) error {
	return v.locked(func() error { return v.s.writeIngressFiles(args) })
}

// GeneratedSecrets reads the secrets that were generated.
func (v *service) GeneratedSecrets(_ wire.None, reply *wire.SecretsReply) error {
	return v.checked(func() (err error) {
		reply.Values, err = v.s.generatedSecrets()
		return err
	})
}

// WriteSecretFile makes or replaces a secret that a user gave.
func (v *service) WriteSecretFile(args wire.SecretFileArgs, _ *wire.None) error {
	return v.locked(func() error { return v.s.writeSecretFile(args) })
}

// GivenSecrets lists the secrets that a user gave.
func (v *service) GivenSecrets(_ wire.None, reply *wire.NamesReply) error {
	return v.checked(func() (err error) {
		reply.Names, err = v.s.givenSecrets()
		return err
	})
}

// RemoveSecretFile removes one.
func (v *service) RemoveSecretFile(args wire.NameArgs, _ *wire.None) error {
	return v.locked(func() error { return v.s.removeSecretFile(args.Name) })
}

func (v *service) do(f func() error) error {
	v.note()
	v.s.change.Lock()
	defer v.s.change.Unlock()
	return wire.Encode(f())
}

// checked refuses to look at a directory that may not be the drive.
func (v *service) checked(f func() error) error {
	return v.do(func() error {
		if v.s.driveID == "" {
			return &wire.Error{Code: wire.NotDrive, Text: "the shared drive was not checked in this session"}
		}
		return f()
	})
}

// locked refuses to write without the portal's lock.
func (v *service) locked(f func() error) error {
	return v.checked(func() error {
		if err := v.s.holdsLock(); err != nil {
			return err
		}
		return f()
	})
}
