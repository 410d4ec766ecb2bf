// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// ImageTar returns the file system of the agent's image as a tar stream for
// `docker import`: the program at path and the directories it needs. The same
// program gives the same bytes. It fails when the program cannot run in an
// image without libraries. The caller closes the stream; until it is read, it
// holds no more of the program in memory than a buffer.
func ImageTar(path string) (io.ReadCloser, error) {
	info, err := BinaryInfo(path)
	if err != nil {
		return nil, err
	}
	if !info.Static {
		return nil, fmt.Errorf("%s is linked dynamically, and the agent's image holds no libraries: build it with CGO_ENABLED=0", path)
	}
	program, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the agent's binary: %w", err)
	}
	reader, writer := io.Pipe()
	go func() {
		defer program.Close()
		writer.CloseWithError(writeImage(writer, program, info.Size))
	}()
	return reader, nil
}

func writeImage(w io.Writer, program io.Reader, size int64) error {
	archive := tar.NewWriter(w)
	entries := []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
		{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(MountPoint, "/") + "/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(Entrypoint, "/"), Mode: 0o755, Size: size},
	}
	for _, entry := range entries {
		entry.ModTime = time.Unix(0, 0)
		if err := archive.WriteHeader(entry); err != nil {
			return fmt.Errorf("making the agent's image: %w", err)
		}
	}
	if _, err := io.CopyN(archive, program, size); err != nil {
		return fmt.Errorf("making the agent's image: %w", err)
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("making the agent's image: %w", err)
	}
	return nil
}
