package testkit

import "github.com/rogpeppe/go-internal/diff"

// Diff is a unified diff of two texts; "" when they're equal.
func Diff(nameA, a, nameB, b string) string {
	return string(diff.Diff(nameA, []byte(a), nameB, []byte(b)))
}
