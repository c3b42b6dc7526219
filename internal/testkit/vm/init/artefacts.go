//go:build linux

package main

import (
	"archive/tar"
	"errors"
	"os"

	"github.com/skep-bpf/skep/internal/testkit/vm/guest"
)

// sendArtefacts sends what the command left.
func sendArtefacts() error {
	port, err := openPort(guest.PortArtefacts)
	if err != nil {
		return err
	}
	w := tar.NewWriter(port)
	return errors.Join(w.AddFS(os.DirFS(guest.ArtefactDir)), w.Close(), port.Close())
}
