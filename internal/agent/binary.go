// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// Binary describes a program that may become an agent's image.
type Binary struct {
	// OS and Arch in Go's words ("linux", "amd64").
	OS, Arch string
	// Static tells that it runs without a dynamic loader or libraries, which the
	// agent's image does not have.
	Static bool
	SHA256 string // hexadecimal
	Size   int64  // bytes
}

var archs = map[elf.Machine]string{
	elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_ARM: "arm", elf.EM_386: "386",
	elf.EM_RISCV: "riscv64",
}

// ErrNotLinux tells that a file is no program for Linux.
var ErrNotLinux = errors.New("not a Linux program")

// BinaryInfo looks at the program at path. A program for another system is an
// ErrNotLinux.
func BinaryInfo(path string) (Binary, error) {
	f, err := os.Open(path)
	if err != nil {
		return Binary{}, fmt.Errorf("reading the agent's binary: %w", err)
	}
	defer f.Close()
	program, err := elf.NewFile(f)
	if err != nil {
		return Binary{}, fmt.Errorf("%s is %w (%w): an agent's image cannot be made of it", path, ErrNotLinux, err)
	}
	arch, ok := archs[program.Machine]
	if !ok {
		return Binary{}, fmt.Errorf("%s is a program for the unknown machine %s: an agent's image cannot be made of it", path, program.Machine)
	}
	hash := sha256.New()
	size, err := io.Copy(hash, io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return Binary{}, fmt.Errorf("reading the agent's binary %s: %w", path, err)
	}
	return Binary{
		OS: "linux", Arch: arch, Static: static(program),
		SHA256: hex.EncodeToString(hash.Sum(nil)), Size: size,
	}, nil
}

// static tells whether a program asks for neither a loader nor a library.
func static(program *elf.File) bool {
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			return false
		}
	}
	libraries, err := program.ImportedLibraries()
	return err == nil && len(libraries) == 0
}
