//go:build linux

package vm

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// buildInit builds the guest's first process into dir.
func buildInit(dir string) (string, error) {
	return goBuild(filepath.Join(dir, "init"), "build", "github.com/skep-bpf/skep/internal/testkit/vm/init")
}

// Build builds a static program of this module, such as "./cmd/skep", to a file.
func Build(to, pkg string) error {
	_, err := goBuild(to, "build", pkg)
	return err
}

// goBuild runs go build or go test -c, static.
func goBuild(to, mode, pkg string) (string, error) {
	args := []string{"build", "-trimpath", "-o", to, pkg}
	if mode == "test" {
		args = []string{"test", "-c", "-trimpath", "-o", to, pkg}
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", pkg, err, bytes.TrimSpace(out))
	}
	return to, nil
}
