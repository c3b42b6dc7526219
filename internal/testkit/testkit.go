// Package testkit is for tests only: golden files, typed skips, descriptor leaks.
package testkit

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write golden files instead of comparing with them")

// Golden compares got with the file, or writes it with -update.
func Golden(t testing.TB, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("read golden file (write it with -update): %v", err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs (accept with -update):\n%s", file, Diff("want", string(want), "got", string(got)))
	}
}

// Updating reports whether -update was given.
func Updating() bool { return *update }

// Equal fails with a diff when two texts differ.
func Equal(t testing.TB, what, want, got string) {
	t.Helper()
	if want != got {
		t.Errorf("%s differs:\n%s", what, Diff("want", want, "got", got))
	}
}
